/** Material fields in words, and their values before and now as one line. */
import { words } from "$lib/i18n.svelte";
import { said, type Both } from "$lib/said";
import { listed } from "$lib/terms.svelte";
import { amountText, promise, roleWord } from "./content";

/** Return what a material field is called. */
export function fieldWord(field: string): string {
  return words(`proposal.field_${field}`) ?? field;
}

export interface OneChange {
  what: string;
  before: string;
  after: string;
}

/** Return a material field's change as lines to show; of a promise only the lines that changed. */
export function changeLines(change: { field: string; before: unknown; after: unknown }): OneChange[] {
  const { field, before, after } = change;
  if (field !== "contributions" || !Array.isArray(before) || !Array.isArray(after)) {
    return [{ what: fieldWord(field), before: valueText(field, before), after: valueText(field, after) }];
  }
  const id = (line: Lines) => `${line.kind}|${line.what}`;
  const old = new Map((before as Lines[]).map((line) => [id(line), line]));
  const now = new Map((after as Lines[]).map((line) => [id(line), line]));
  const found: OneChange[] = [];
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(key), now.get(key)];
    if (was && is && was.amount === is.amount && was.unit === is.unit && was.value_fen === is.value_fen) continue;
    const line = (is ?? was) as Lines;
    const kind = words(`taxonomy.contribution_${line.kind}`) ?? line.kind;
    found.push({ what: line.what ? `${kind}（${line.what}）` : kind, before: was ? amountText(was) : "", after: is ? amountText(is) : "" });
  }
  return found.length ? found : [{ what: fieldWord(field), before: "", after: promise(after as Lines[]) }];
}

interface Lines {
  kind: string;
  what: string;
  amount: string;
  unit: string;
  value_fen?: number | null;
}

/** Return a material field's value as one readable line; long texts are cut. */
export function valueText(field: string, value: unknown): string {
  if (value === null || value === undefined) return "";
  if (field === "contributions" && Array.isArray(value)) return promise(value as Lines[]);
  if (field === "institutions" && Array.isArray(value)) {
    return listed(
      (value as { name?: Both; role: string }[]).map((one) => (one.name ? `${said(one.name)} ${roleWord(one.role)}` : roleWord(one.role))),
    );
  }
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
