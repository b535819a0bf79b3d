/** Material fields in words, and their values before and now as one line. */
import { words } from "$lib/i18n.svelte";
import { said, type Both } from "$lib/said";
import { listed } from "$lib/terms.svelte";
import { promise, roleWord } from "./content";

/** Return what a material field is called. */
export function fieldWord(field: string): string {
  return words(`proposal.field_${field}`) ?? field;
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
