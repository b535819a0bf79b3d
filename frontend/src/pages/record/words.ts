/** Events in words, and the people who can be asked about. */
import { api, ok } from "$lib/api/client";
import { t, type Key } from "$lib/i18n.svelte";
import { said } from "$lib/said";
import type { Shapes } from "$lib/shapes";
import type { Found } from "$ui/Combobox.svelte";

/** The first part of every kind, as the filter offers them. */
export const AREAS = [
  "proposal", "section", "participation", "member", "invitation", "check", "assignment", "review", "conflict",
  "decision", "release", "login", "logout", "session", "role", "officer", "affiliation", "person", "institution",
  "platform", "call", "record", "alarm", "limit",
] as const;

/** Return what happened: "决定：签署". */
export function happened(kind: string): string {
  const [area = "", act = ""] = kind.split(".");
  return t("record.event", { area: t(`record.area_${area}` as Key), act: t(`record.act_${act}` as Key) });
}

/** Return somebody by name and institution; nobody is the portal itself. */
export function person(of: Shapes["PersonRef"] | null | undefined): string {
  if (!of) return t("record.portal");
  return of.institution ? `${of.name} · ${said(of.institution.name)}` : of.name;
}

/** Return the codes, states and numbers of an event as one line; what says nothing is left out. */
export function details(data: Record<string, unknown>): string {
  return Object.entries(data)
    .filter(([name, value]) => name !== "rev" && value !== false)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(" · ");
}

/** Find people by name. */
export async function findPeople(q: string): Promise<Found[]> {
  if (!q) return [];
  const { data } = await ok(api.GET("/api/people", { params: { query: { q } } }));
  return data.items.map((one) => ({ id: one.id, label: one.name, sub: one.institution ? said(one.institution.name) : "" }));
}
