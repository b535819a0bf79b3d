/** Events in words, and the people who can be asked about. */
import { api, ok } from "$lib/api/client";
import { dateTime, t, words, type Key } from "$lib/i18n.svelte";
import { said } from "$lib/said";
import type { Shapes } from "$lib/shapes";
import type { Found } from "$ui/Combobox.svelte";

/** The first part of every kind, as the filter offers them. */
export const AREAS = [
  "proposal", "section", "participation", "member", "invitation", "check", "assignment", "review", "conflict",
  "decision", "release", "login", "logout", "session", "role", "officer", "administrator", "affiliation", "person", "institution",
  "platform", "call", "record", "events", "alarm", "limit",
] as const;

/** Return what happened: "决定：签署". */
export function happened(kind: string): string {
  const [area = "", act = ""] = kind.split(".");
  return t("record.event", { area: t(`record.area_${area}` as Key), act: t(`record.act_${act}` as Key) });
}

/** Return who did it: a reviewer goes unnamed. */
export function doer(row: Shapes["RecordRow"]): string {
  return row.reviewer ? t("record.reviewer") : person(row.actor);
}

/** Return somebody by name and institution; nobody is the portal itself. */
export function person(of: Shapes["PersonRef"] | null | undefined): string {
  if (!of) return t("record.portal");
  return of.institution ? `${of.name} · ${said(of.institution.name)}` : of.name;
}

/** Return the codes, states and numbers of an event in words; what says nothing is left out. */
export function details(data: Record<string, unknown>): string {
  const { before, after, ...rest } = data;
  const moved = before && after ? t("record.moved", { from: state(before), to: state(after) }) : "";
  return [moved, ...Object.entries(rest).map(([name, value]) => detail(name, value))].filter(Boolean).join(" · ");
}

function state(of: unknown): string {
  return words(`status.proposal.${String(of)}`) ?? String(of);
}

function detail(name: string, value: unknown): string {
  if (name === "rev" || value === false) return "";
  const code = String(value);
  if (name === "role") return words(`roles.${code}`) ?? words(`public.role_${code}`) ?? code;
  const shown = name === "until" ? dateTime(code) : code;
  return words(`record.more_${name}_${code}`) ?? words(`record.more_${name}`, { value: shown }) ?? shown;
}

/** Return somebody as the field of people shows them. */
export function found(of: Shapes["PersonRef"]): Found {
  return { id: of.id, label: of.name, sub: of.institution ? said(of.institution.name) : "" };
}

/** Find people by name. */
export async function findPeople(q: string): Promise<Found[]> {
  if (!q) return [];
  const { data } = await ok(api.GET("/api/people", { params: { query: { q } } }));
  return data.items.map(found);
}
