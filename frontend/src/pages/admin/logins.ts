/** The form of a login service, as it is added and as it is changed. */
import { t } from "$lib/i18n.svelte";
import type { Shapes } from "$lib/shapes";

export type LoginForm = {
  name_zh: string;
  name_en: string;
  issuer: string;
  client_id: string;
  secret: string;
  auth_method: Shapes["NewProvider"]["auth_method"];
};

export const METHODS = ["client_secret_basic", "client_secret_post"] as const;

/** Return a form in which nothing is written yet. */
export function emptyLogin(): LoginForm {
  return { name_zh: "", name_en: "", issuer: "", client_id: "", secret: "", auth_method: "client_secret_basic" };
}

/** Return the form with what is stored; a secret is never in it. */
export function loginOf(page: Shapes["ProviderPage"]): LoginForm {
  const { issuer, client_id, auth_method, name } = page;
  return { name_zh: name.zh, name_en: name.en, issuer, client_id, secret: "", auth_method };
}

/** Return the words for its fields. */
export function loginLabels(): Record<string, string> {
  return {
    name_zh: t("logins.name_zh"), name_en: t("logins.name_en"), issuer: t("logins.issuer"),
    client_id: t("logins.client_id"), secret: t("logins.secret"), auth_method: t("logins.auth_method"),
  };
}
