/** The desk's rows in words: what is missing, whose turn it is, how long is left. */
import { language, t, words } from "$lib/i18n.svelte";
import { said, shortOf, titleOf, type Both } from "$lib/said";
import type { Shapes } from "$lib/shapes";
import { listed, sector } from "$lib/terms.svelte";

export type Row = Shapes["DeskRow"];
type Turn = Pick<Row, "missing" | "whose" | "act">;

/** Return what a proposal still lacks, as one line. */
export function missingText(row: Pick<Row, "missing" | "progress_only">): string {
  const all = row.missing.map(({ code, params }) => {
    const names = (params["institutions"] as Both[] | undefined)?.map(said) ?? [];
    if (code === "consent" && names.length > 0 && names.length < 3) return t("staff.consent_of", { institutions: listed(names) });
    return words(`desk.missing_n.${code}`, params as never) ?? words(`desk.missing.${code}`) ?? code;
  });
  return all.join(t("staff.semicolon")) || (row.progress_only ? "" : t("staff.nothing_missing"));
}

/** Return whose turn it is when it is not the reader's: names, with what they are where a name does not say it. */
export function whoseText(row: Turn): string {
  const { who, names } = row.whose;
  if (!who) return t("staff.nobody");
  const word = words(`desk.who.${who}`) ?? who;
  const all = listed(names.map(said));
  if (!all) return word;
  if (who === "lead") return all;
  return who === "officer" ? t("staff.who_after", { names: all, who: word }) : t("staff.who_before", { names: all, who: word });
}

/** Return the reader's next act in words. */
export function actWord(act: string): string {
  return words(`desk.act.${act}`) ?? act;
}

/** Return an institution's name for a narrow column: English names are long, so their short form where there is one. */
export function nameOf(of: { name: Both; short?: Both | null }): string {
  return language() === "en" ? shortOf(of) : said(of.name);
}

/** Return a number of rows; nobody is told more than "1000+". */
export function upTo(count: number): number | string {
  return count < 1000 ? count : "1000+";
}

/** Return how many days are left; 0 is today. */
export function daysText(days: number | null): string {
  if (days === null) return "";
  if (days < 0) return t("staff.days_over", { count: -days });
  return days === 0 ? t("staff.today") : t("staff.days", { count: days });
}

/** Return the last part of a number: 0012. */
export function shortNumber(number: string): string {
  return number.slice(number.lastIndexOf("-") + 1);
}

/** Return the reminders of some rows as one text to paste; the sentence they all end with stands once, at the end. */
export function reminders(rows: readonly Row[]): string {
  const texts = rows.flatMap((row) => (row.remind ? [said(row.remind.text)] : []));
  if (texts.length < 2) return texts.join("");
  const tail = commonEnd(texts);
  return [...texts.map((text) => text.slice(0, text.length - tail.length).trim()), tail.trim()].filter(Boolean).join("\n");
}

/** Return the sentence with which all texts end, or nothing. */
function commonEnd(texts: readonly string[]): string {
  const [first = "", ...others] = texts;
  let length = 0;
  while (length < first.length && others.every((text) => text.at(-1 - length) === first.at(-1 - length))) length += 1;
  const common = first.slice(first.length - length);
  // A link holds dots, but no blank after one.
  const stop = Math.max(common.lastIndexOf("。") + 1, common.lastIndexOf(". ") + 2);
  return stop > 1 || common.includes("。") ? common.slice(stop) : "";
}

/** Return rows as tab-separated text for Excel or WPS; a cell never begins like a formula. */
export function asTable(rows: readonly Row[]): string {
  const head = [t("staff.number"), t("staff.title"), t("staff.lead"), t("staff.partners"), t("public.sectors"), t("public.state"), t("staff.missing"), t("staff.whose"), t("staff.left")];
  const lines = rows.map((row) => [
    row.number,
    titleOf(row).text,
    row.lead ? said(row.lead.name) : "",
    listed(row.partners.map((one) => said(one.name))),
    listed(row.sectors.map(sector)),
    words(`status.proposal.${row.state}`) ?? row.state,
    missingText(row),
    row.whose.you && row.act ? `${t("staff.you")}${t("ui.colon")}${actWord(row.act)}` : whoseText(row),
    row.days_left === null ? "" : String(row.days_left),
  ]);
  return [head, ...lines].map((cells) => cells.map(cell).join("\t")).join("\n");
}

function cell(text: string): string {
  const plain = text.replace(/[\t\r\n]+/g, " ");
  return /^[=+@]|^-(?!\d+$)/.test(plain) ? `'${plain}` : plain;
}
