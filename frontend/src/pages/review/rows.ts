/** The rows of a reviewer's list: how far each is, and which is next. */
import { t } from "$lib/i18n.svelte";
import type { Shapes } from "$lib/shapes";
import type { Shape } from "$ui/Mark.svelte";
import type { Tone } from "$ui/Status.svelte";

export type Row = Shapes["ReviewRow"] & {
  /** What it still lacks before it can be submitted. */
  lacks: readonly { code: string; params: Record<string, unknown> }[];
};

/** Return the rows of a list, each with what it lacks; those of one call where one is named. */
export function rowsOf(list: Shapes["ReviewList"], call?: string): Row[] {
  return list.items
    .filter((item) => call === undefined || item.call_id === call)
    .map((item) => ({ ...item, lacks: list.blockers.filter((one) => one.assignment_id === item.assignment_id) }));
}

/** Say whether nothing is missing from a review any more. */
export function complete(row: Row): boolean {
  return row.review?.submitted_at != null || (row.state === "accepted" && row.review !== null && row.lacks.length === 0);
}

/** Say whether the review can still be written. */
export function open(row: Row): boolean {
  return row.state === "accepted" && row.open;
}

export interface StateWord {
  word: string;
  shape: Shape;
  tone: Tone;
}

/** Return how far a review is, as a word with a shape. */
export function stateOf(row: Row): StateWord {
  if (row.state === "asked") return { word: t("bench.state_asked"), shape: "dots", tone: "open" };
  if (row.review?.submitted_at) return { word: t("bench.state_submitted"), shape: "disc", tone: "ok" };
  if (!row.review) return { word: t("bench.state_new"), shape: "ring", tone: "open" };
  if (row.lacks.length) return { word: t("bench.state_half"), shape: "half", tone: "half" };
  return { word: t("bench.state_saved"), shape: "disc", tone: "ok" };
}

/** Return the row after `current` in the order of the list, or nothing after the last. */
export function after(rows: readonly Row[], current: string): Row | undefined {
  return rows[rows.findIndex((row) => row.assignment_id === current) + 1];
}
