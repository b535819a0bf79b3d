/** What a call asks its reviewers, and what a review adds up to: the browser's side of it. */
import { t } from "$lib/i18n.svelte";
import { said, type Both } from "$lib/said";

export interface Criterion {
  id: string;
  label: Both;
  help?: Both;
  anchors?: Record<string, Both>;
  /** Asked for itself; not part of the total. */
  independent?: boolean;
}

interface Part {
  label: Both;
  hint?: Both;
  required?: boolean;
  limit: number;
}

export interface Rubric {
  min: number;
  max: number;
  levels?: Record<string, Both>;
  criteria: Criterion[];
  recommendations: { id: string; label: Both }[];
  for_applicants: Part;
  for_coordinators: Part;
}

export type Scores = Record<string, number | null>;

/** What a review holds while it is written. */
export interface Value {
  scores: Scores;
  recommendation: "approve" | "revise" | "reject" | null;
  for_applicants: string;
  for_coordinators: string;
}

/** Return a rubric as the pages read it. */
export function rubricOf(document: unknown): Rubric {
  return document as Rubric;
}

/** Return the scores there are, in the order of the criteria. */
export function given(rubric: Rubric, scores: Scores | null | undefined): number[] {
  return rubric.criteria.map((one) => scores?.[one.id]).filter((score): score is number => typeof score === "number");
}

/** Return the sum of the scores that count, or nothing as long as one of them is missing. */
export function total(rubric: Rubric, scores: Scores | null | undefined): number | null {
  const counted = rubric.criteria.filter((one) => !one.independent);
  const found = given({ ...rubric, criteria: counted }, scores);
  return found.length > 0 && found.length === counted.length ? found.reduce((sum, score) => sum + score, 0) : null;
}

/** Return a recommendation in words. */
export function recommendationWord(rubric: Rubric, id: string | null | undefined): string {
  const found = rubric.recommendations.find((one) => one.id === id);
  return found ? said(found.label) : "";
}

/** Return what a spread line says aloud: 2 至 4. */
export function spreadWord(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? String(low) : t("bench.from_to", { low, high });
}

/** Return the codes of what a review still lacks, in the words of the server. */
export function lacks(rubric: Rubric, value: Value): { code: string; params: { count: number } }[] {
  const unscored = rubric.criteria.length - given(rubric, value.scores).length;
  return [
    unscored > 0 && "reviews.scores_missing",
    !value.recommendation && "reviews.recommendation_missing",
    rubric.for_applicants.required && value.for_applicants.trim() === "" && "reviews.text_missing",
  ]
    .filter((code): code is string => typeof code === "string")
    .map((code) => ({ code, params: { count: unscored } }));
}
