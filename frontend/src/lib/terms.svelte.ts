/** The sectors and the technology fields, fetched once and named in the language of the page. */
import { api, ok } from "./api/client";
import { language } from "./i18n.svelte";
import type { Shapes } from "./shapes";

let found = $state.raw<Shapes["Terms"] | null>(null);
let asked: Promise<void> | undefined;

/** Fetch the vocabularies; a second call costs nothing. */
export function loadTerms(): Promise<void> {
  asked ??= ok(api.GET("/api/terms", {})).then(
    ({ data }) => {
      found = data;
    },
    () => {
      asked = undefined;
    },
  );
  return asked;
}

function name(kind: "sectors" | "fields", code: string): string {
  void loadTerms();
  const term = found?.[kind].find((one) => one.code === code);
  return term ? term[language()] : code;
}

/** Return a sector's name. */
export function sector(code: string): string {
  return name("sectors", code);
}

/** Return a technology field's name. */
export function field(code: string): string {
  return name("fields", code);
}

/** Return all terms of a kind, as options of a choice. */
export function termOptions(kind: "sectors" | "fields"): { value: string; label: string; keys: string }[] {
  void loadTerms();
  return (found?.[kind] ?? []).map((term) => ({ value: term.code, label: term[language()], keys: term.search_keys }));
}

/** Return names as one text: 、 between Chinese ones, a comma between English ones. */
export function listed(names: readonly string[]): string {
  return names.join(language() === "zh" ? "、" : ", ");
}
