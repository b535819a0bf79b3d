/**
 * The areas of the message catalogue the browser reads. To add one, add one line to `areas`:
 *
 *   desk: area("desk", () => import("$catalogue/zh/desk.json"), () => import("$catalogue/en/desk.json")),
 *
 * The first argument names the folders of src/pages that need the area before they show; an area
 * used on every page says "all" and stands in everywhere.json too; "later" is for one that is fetched
 * when something in it is first said. The zh file gives the keys
 * that `t` accepts.
 */
type Sentences = Record<string, string>;
type File<S> = () => Promise<{ default: S }>;

interface Entry<S> {
  pages: readonly string[];
  zh: File<S>;
  en: File<Sentences>;
}

function area<S extends Sentences>(pages: string, zh: File<S>, en: File<Sentences>): Entry<S> {
  return { pages: pages.split(" "), zh, en };
}

export const areas = {
  app: area("all", () => import("$catalogue/zh/app.json"), () => import("$catalogue/en/app.json")),
  ui: area("all", () => import("$catalogue/zh/ui.json"), () => import("$catalogue/en/ui.json")),
  status: area("all", () => import("$catalogue/zh/status.json"), () => import("$catalogue/en/status.json")),
  trouble: area("status", () => import("$catalogue/zh/trouble.json"), () => import("$catalogue/en/trouble.json")),
  dialogs: area("later", () => import("$catalogue/zh/dialogs.json"), () => import("$catalogue/en/dialogs.json")),
  time: area("all", () => import("$catalogue/zh/time.json"), () => import("$catalogue/en/time.json")),
  text: area("later", () => import("$catalogue/zh/text.json"), () => import("$catalogue/en/text.json")),
  problems: area("later", () => import("$catalogue/zh/problems.json"), () => import("$catalogue/en/problems.json")),
  taxonomy: area("public account proposal institution review desk admin", () => import("$catalogue/zh/taxonomy.json"), () => import("$catalogue/en/taxonomy.json")),
  identifiers: area("admin account", () => import("$catalogue/zh/identifiers.json"), () => import("$catalogue/en/identifiers.json")),
  form: area("proposal desk institution review public", () => import("$catalogue/zh/form.json"), () => import("$catalogue/en/form.json")),
  calls: area("admin public", () => import("$catalogue/zh/calls.json"), () => import("$catalogue/en/calls.json")),
  institutions: area("admin institution", () => import("$catalogue/zh/institutions.json"), () => import("$catalogue/en/institutions.json")),
  roles: area("admin institution record", () => import("$catalogue/zh/roles.json"), () => import("$catalogue/en/roles.json")),
  public: area("public record admin proposal desk review institution account", () => import("$catalogue/zh/public.json"), () => import("$catalogue/en/public.json")),
  admin: area("admin record", () => import("$catalogue/zh/admin.json"), () => import("$catalogue/en/admin.json")),
  proposal: area("proposal public institution desk review account", () => import("$catalogue/zh/proposal.json"), () => import("$catalogue/en/proposal.json")),
  logins: area("admin", () => import("$catalogue/zh/logins.json"), () => import("$catalogue/en/logins.json")),
  record: area("record", () => import("$catalogue/zh/record.json"), () => import("$catalogue/en/record.json")),
  invite: area("public", () => import("$catalogue/zh/invite.json"), () => import("$catalogue/en/invite.json")),
  institution: area("institution account", () => import("$catalogue/zh/institution.json"), () => import("$catalogue/en/institution.json")),
  login: area("public", () => import("$catalogue/zh/login.json"), () => import("$catalogue/en/login.json")),
  account: area("account institution", () => import("$catalogue/zh/account.json"), () => import("$catalogue/en/account.json")),
  identity: area("public account institution admin", () => import("$catalogue/zh/identity.json"), () => import("$catalogue/en/identity.json")),
  messages: area("account", () => import("$catalogue/zh/messages.json"), () => import("$catalogue/en/messages.json")),
  desk: area("desk review account", () => import("$catalogue/zh/desk.json"), () => import("$catalogue/en/desk.json")),
  reviews: area("desk review account", () => import("$catalogue/zh/reviews.json"), () => import("$catalogue/en/reviews.json")),
  decisions: area("desk review account", () => import("$catalogue/zh/decisions.json"), () => import("$catalogue/en/decisions.json")),
  staff: area("desk", () => import("$catalogue/zh/staff.json"), () => import("$catalogue/en/staff.json")),
  bench: area("review desk", () => import("$catalogue/zh/bench.json"), () => import("$catalogue/en/bench.json")),
  tasks: area("account", () => import("$catalogue/zh/tasks.json"), () => import("$catalogue/en/tasks.json")),
  proposals: area("proposal account institution public desk", () => import("$catalogue/zh/proposals.json"), () => import("$catalogue/en/proposals.json")),
  invitations: area("public proposal", () => import("$catalogue/zh/invitations.json"), () => import("$catalogue/en/invitations.json")),
};

export type Area = keyof typeof areas;
type Words<A extends Area> = Awaited<ReturnType<(typeof areas)[A]["zh"]>>["default"];
type Base<K> = K extends `${infer B}_one` | `${infer B}_other` ? B : K;

/** Every key `t` takes: `<area>.<key>`, a plural without its ending. */
export type Key = { [A in Area]: `${A}.${Base<keyof Words<A> & string>}` }[Area];
