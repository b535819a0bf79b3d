/**
 * Counting, by the rule the server counts by; both are held to tests/vectors/counting.json.
 * A Han character is 1, a run of Latin letters and digits with inner `-` and `.` is 1, blanks and
 * invisible signs are 0, every other visible grapheme is 1.
 */
import { graphemes } from "./graphemes";

const RUN = /[\p{Script=Latin}\p{Nd}][\p{M}\p{Cf}]*(?:[-.]?[\p{Script=Latin}\p{Nd}][\p{M}\p{Cf}]*)*/gu;
// U+2800, the empty braille cell, is no white space to Unicode, yet nobody can see it.
const INVISIBLE = /^[\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]*$/u;

/** Return how many units `text` has. */
export function count(text: string): number {
  const normal = text.normalize("NFC");
  let units = 0;
  let at = 0;
  for (const run of normal.matchAll(RUN)) {
    units += visible(normal.slice(at, run.index)) + 1;
    at = run.index + run[0].length;
  }
  return units + visible(normal.slice(at));
}

/** Say whether nobody could see anything of `text`. */
export function blank(text: string): boolean {
  return INVISIBLE.test(text);
}

function visible(text: string): number {
  return graphemes(text).filter((one) => !INVISIBLE.test(one)).length;
}
