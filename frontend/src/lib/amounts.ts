/** What people type into fields for amounts and codes, read and brought to its plain form. */
/** Read an amount typed in 万元 as fen; null where it is none or finer than a fen. */
export function readMoney(text: string): number | null {
  const found = /^(\d{1,9})(?:\.(\d{0,6}))?$/.exec(narrow(text).replace(/,/g, ""));
  if (!found) return null;
  return Number(found[1]) * 1_000_000 + Number((found[2] ?? "").padEnd(6, "0"));
}

/** Write fen as the plain number of 万元 that a field shows. */
export function moneyText(fen: number | null | undefined): string {
  if (fen === null || fen === undefined) return "";
  const rest = String(fen % 1_000_000).padStart(6, "0").replace(/0+$/, "");
  return `${Math.trunc(fen / 1_000_000)}${rest ? `.${rest}` : ""}`;
}

/** Bring a code, number or address to its plain form: NFKC, nothing invisible, trimmed. */
export function narrow(text: string): string {
  return text
    .normalize("NFKC")
    .replace(/[\p{Cf}\p{Default_Ignorable_Code_Point}]+/gu, "")
    .trim();
}
