/** What the desk is asked for: the address keeps it, and the search box understands it. */
import { t, words, type Key } from "$lib/i18n.svelte";
import { termOptions } from "$lib/terms.svelte";

/** Codes of what can be missing, in the order they are offered. */
export const MISSING = ["consent", "institution_returned", "declined", "expired", "correction", "check", "reviewers", "reviews", "decision", "signature", "release"] as const;
export const STATES = ["consent_pending", "submitted", "formal_check", "returned", "peer_review", "decision_pending", "not_accepted", "approved", "rejected", "withdrawn"] as const;

export interface Asked {
  call?: string;
  state?: string;
  sector?: string;
  whose?: string;
  missing?: string;
  within?: string;
  q?: string;
}
export type Filter = keyof Asked;
export const FILTERS: readonly Filter[] = ["call", "state", "sector", "whose", "missing", "within", "q"];

/** Return what the address asks for. */
export function asked(query: URLSearchParams): Asked {
  return Object.fromEntries(FILTERS.flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : [])));
}

/** Return the words of a filter that is set. */
export function filterWord(name: Filter, value: string): string {
  if (name === "state") return words(`status.proposal.${value}`) ?? value;
  if (name === "sector") return termOptions("sectors").find((one) => one.value === value)?.label ?? value;
  if (name === "missing") return words(`desk.missing.${value}`) ?? value;
  if (name === "whose") return t(`staff.whose_${value}` as Key);
  if (name === "within") return t("staff.within", { count: Number(value) });
  return value;
}

const NAMES: Record<string, Filter> = {
  缺: "missing", missing: "missing",
  谁: "whose", whose: "whose",
  状态: "state", state: "state",
  行业: "sector", sector: "sector",
  天: "within", within: "within",
};
const ME = ["我", "me", "mine"];

/**
 * Read what is typed: plain words look for title, number or institution; `缺:确认`, `谁:我`,
 * `状态:待审批`, `行业:医疗`, `天:3` (or their English names) set a filter.
 */
export function typed(text: string): Asked {
  const found: Asked = {};
  const rest: string[] = [];
  for (const part of text.trim().split(/\s+/)) {
    const [, name = "", value = ""] = /^([^:：]+)[:：](.+)$/.exec(part) ?? [];
    const filter = NAMES[name.toLowerCase()];
    const code = filter && meant(filter, value);
    if (filter && code) found[filter] = code;
    else rest.push(part);
  }
  const q = rest.join(" ").trim();
  return q ? { ...found, q } : found;
}

function meant(filter: Filter, value: string): string | undefined {
  if (filter === "whose") return ME.includes(value.toLowerCase()) ? "me" : "others";
  if (filter === "within") return /^\d{1,3}$/.test(value) ? value : undefined;
  if (filter === "state") return among(STATES, value, (code) => words(`status.proposal.${code}`));
  if (filter === "missing") return among(MISSING, value, (code) => words(`desk.missing.${code}`));
  return termOptions("sectors").find((one) => one.value === value || one.label.includes(value) || one.keys.includes(value.toLowerCase()))?.value;
}

function among(codes: readonly string[], value: string, word: (code: string) => string | undefined): string | undefined {
  const wanted = value.toLowerCase();
  return codes.find((code) => code === wanted) ?? codes.find((code) => word(code)?.toLowerCase().includes(wanted));
}
