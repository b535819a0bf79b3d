/** How a proposal's content reads: its form, its months, its promises. */
import { language, t, words, type Key } from "$lib/i18n.svelte";
import { said, type Both } from "$lib/said";
import type { Shapes } from "$lib/shapes";
import { field, listed, sector } from "$lib/terms.svelte";
import { writeMoney } from "$lib/format";

export interface FormOption {
  id: string;
  label: Both;
}

export interface FormQuestion {
  id: string;
  type: "text" | "choice" | "many" | "number" | "amount" | "date" | "month" | "table";
  label: Both;
  hint?: Both;
  required?: boolean;
  one_line?: boolean;
  limit?: number;
  min?: number;
  max?: number;
  unit?: Both;
  source?: "sectors" | "fields";
  options?: FormOption[];
  visible_to?: string[];
}

export interface FormSection {
  id: string;
  title: Both;
  help?: Both;
  questions: FormQuestion[];
}

/** Return the sections of a pinned form. */
export function sectionsOf(form: unknown): FormSection[] {
  const { sections = [] } = form as { sections?: (Omit<FormSection, "questions"> & { questions?: FormQuestion[] })[] };
  // The section of contributions has no questions: the institutions' own lines stand there.
  return sections.map((section) => ({ ...section, questions: section.questions ?? [] }));
}

/** Return `2027.01–2028.06`, or nothing while start or length is missing. */
export function monthSpan(answers: Record<string, unknown>): string {
  const start = answers["starts"];
  const months = answers["months"];
  if (typeof start !== "string" || typeof months !== "number") return "";
  const [year = 0, month = 1] = start.split("-").map(Number);
  const last = year * 12 + month - 1 + months - 1;
  const text = (n: number) => `${Math.floor(n / 12)}.${String((n % 12) + 1).padStart(2, "0")}`;
  return `${text(year * 12 + month - 1)}–${text(last)}`;
}

/** Return a number of the promise without needless zeros: 6, 0.5. */
export function plainAmount(amount: string): string {
  return amount.includes(".") ? amount.replace(/\.?0+$/, "") : amount;
}

interface Line {
  kind: string;
  what: string;
  amount: string;
  unit: string;
  value_fen?: number | null;
}

/** Return how much a line promises: 6 人月, 20.00 万元. */
export function amountText(line: Line): string {
  const text =
    line.kind === "cash" && line.value_fen != null
      ? t("time.wan", { amount: writeMoney(line.value_fen, language()) })
      : `${plainAmount(line.amount)} ${line.unit}`;
  // An amount keeps its unit on its line.
  return text.replaceAll(" ", "\u00a0");
}

/** Return one line of a promise: 人员 6 人月, 资金 20.00 万元. */
export function promiseLine(line: Line): string {
  const kind = t(`taxonomy.contribution_${line.kind}` as Key);
  const amount =
    line.kind === "cash" && line.value_fen != null
      ? t("time.wan", { amount: writeMoney(line.value_fen, language()) })
      : `${plainAmount(line.amount)} ${line.unit}`;
  return line.what ? `${kind}${t("ui.colon")}${line.what} ${amount}` : `${kind} ${amount}`;
}

/** Return a promise as one text. */
export function promise(lines: readonly Line[]): string {
  return lines.length ? listed(lines.map(promiseLine)) : t("proposal.no_promise");
}

/** Return the role of an institution in words. */
export function roleWord(role: string): string {
  return words(`taxonomy.role_${role}`) ?? role;
}

/** Return an answer as a person reads it. */
export function answerText(question: FormQuestion, value: unknown): string {
  if (value === null || value === undefined || value === "") return "";
  const one = (code: string): string => {
    if (question.source === "sectors") return sector(code);
    if (question.source === "fields") return field(code);
    const option = question.options?.find((each) => each.id === code);
    return option ? said(option.label) : code;
  };
  if (question.type === "many") return listed((value as string[]).map(one));
  if (question.type === "choice") return one(String(value));
  if (question.type === "number") return `${String(value)}${question.unit ? ` ${said(question.unit)}` : ""}`;
  return String(value);
}

/** Return a section's mark and note in the side list. */
export function sectionMark(section: Shapes["SectionOut"]): "disc" | "half" | "ring" {
  if (section.flagged) return "half";
  if (section.complete) return "disc";
  return section.rev > 0 ? "half" : "ring";
}
