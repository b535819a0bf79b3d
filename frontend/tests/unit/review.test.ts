import assert from "node:assert/strict";
import { test } from "node:test";

import { given, lacks, total, type Rubric, type Value } from "../../src/pages/review/rubric";

const both = (text: string) => ({ zh: text, en: text });
const part = (required: boolean) => ({ label: both("text"), required, limit: 10 });
const rubric: Rubric = {
  min: 0,
  max: 5,
  criteria: [
    { id: "a", label: both("a") },
    { id: "b", label: both("b") },
    { id: "ethics", label: both("ethics"), independent: true },
  ],
  recommendations: [{ id: "approve", label: both("yes") }],
  for_applicants: part(true),
  for_coordinators: part(false),
};
const value = (more: Partial<Value> = {}): Value => ({
  scores: { a: 4, b: 3, ethics: 1 },
  recommendation: "approve",
  for_applicants: "好",
  for_coordinators: "",
  ...more,
});

test("zero is a score, and an independent criterion is not part of the total", () => {
  assert.equal(total(rubric, { a: 0, b: 0, ethics: 5 }), 0);
  assert.equal(total(rubric, { a: 4, b: null, ethics: 5 }), null);
  assert.equal(total(rubric, null), null);
  assert.deepEqual(given(rubric, { ethics: 0, b: 2, other: 9 }), [2, 0]);
});

test("what a review lacks is what the server would refuse it for", () => {
  assert.deepEqual(lacks(rubric, value()), []);
  assert.deepEqual(
    lacks(rubric, value({ scores: { a: 1 }, recommendation: null, for_applicants: " \n" })).map((one) => one.code),
    ["reviews.scores_missing", "reviews.recommendation_missing", "reviews.text_missing"],
  );
  assert.equal(lacks(rubric, value({ scores: {} }))[0]?.params.count, 3);
});
