/** Every address of the app and the file of its page under src/pages. */
import type { Component } from "svelte";

import { loadFor } from "./lib/i18n.svelte";
import type { RouteTable } from "./lib/router.svelte";

export const routes: RouteTable = [
  ["/", "public/Home"],
  ["/calls/:id", "public/Call"],
  ["/projects", "public/Register"],
  ["/projects/:id", "public/Project"],
  ["/members", "public/Members"],
  ["/login", "public/Login"],
  ["/i", "public/Invitation"],
  ["/welcome", "account/Welcome"],
  ["/home", "account/Tasks"],
  ["/settings", "account/Settings"],
  ["/proposals", "proposal/List"],
  ["/proposals/:id", "proposal/Overview"],
  ["/proposals/:id/write/:section", "proposal/Write"],
  ["/proposals/:id/team", "proposal/Team"],
  ["/proposals/:id/submit", "proposal/Submit"],
  ["/proposals/:id/receipt", "proposal/Receipt"],
  ["/institution", "institution/Queue"],
  ["/institution/confirm/:id", "institution/Confirm"],
  ["/institution/ledger", "institution/Ledger"],
  ["/institution/people", "institution/People"],
  ["/reviews", "review/List"],
  ["/reviews/:id", "review/Bench"],
  ["/desk", "desk/Desk"],
  ["/desk/:id", "desk/Proposal"],
  ["/release", "desk/Release"],
  ["/decide", "desk/Decide"],
  ["/admin/members", "admin/Members"],
  ["/admin/roles", "admin/Roles"],
  ["/admin/calls/new", "admin/OpenCall"],
  ["/admin/platform", "admin/Platform"],
  ["/admin/logins", "admin/Logins"],
  ["/admin/logins/:id", "admin/InstitutionLogin"],
  ["/admin/security", "record/Security"],
  ["/admin/record", "record/Record"],
  ["/desk/:id/seen", "record/Seen"],
];

export interface PageProps {
  params: Record<string, string>;
}
type Page = Component<PageProps>;

const files = import.meta.glob<{ default: Page }>("./pages/**/*.svelte");
/** Folders whose pages use the layouts of work.css. */
const WORK = new Set(["desk", "review", "proposal", "institution", "account"]);
const MISSING = "./pages/status/NotFound.svelte";

/** Load a page and the words it needs; an address without a page gets the page that says so. */
export async function loadPage(page: string | undefined): Promise<Page> {
  const load = files[`./pages/${page}.svelte`] ?? files[MISSING];
  if (!load) throw new Error(`no page ${page}`);
  const folder = page?.split("/")[0] ?? "status";
  const styles = [
    page === "public/Home" ? undefined : import("./styles/parts.css"),
    WORK.has(folder) ? import("./styles/work.css") : undefined,
  ];
  const [file] = await Promise.all([load(), loadFor(load === files[MISSING] ? "status" : folder), ...styles]);
  return file.default;
}
