/**
 * What a person sees as one character. The browser's segmenter copies the whole text for each
 * character it gives, so a long text is first cut where two plain characters meet: there a
 * boundary is certain, and mostly each piece is one character already.
 */
const PLAIN = "[\\p{Script=Han}\\u3001-\\u3011\\uff01-\\uff60 -~]";
const MEET = new RegExp(`(?<=${PLAIN})(?=${PLAIN})`, "u");
const ONE = new RegExp(`^${PLAIN}$`, "u");
/** Past this length of one piece without a plain character, every code point is taken as one. */
const LONGEST = 5_000;
const segmenter = new Intl.Segmenter("zh", { granularity: "grapheme" });

/** Return the characters of `text` as a person sees them. */
export function graphemes(text: string): string[] {
  const found: string[] = [];
  for (const piece of text.split(MEET)) {
    if (piece === "") continue;
    if (ONE.test(piece)) found.push(piece);
    else if (piece.length > LONGEST) found.push(...(piece.match(/\P{M}\p{M}*/gu) ?? [piece]));
    else for (const { segment } of segmenter.segment(piece)) found.push(segment);
  }
  return found;
}
