/** Comparing two texts: by paragraphs, then by characters, as Chinese has no spaces to split at. */
import { graphemes } from "./graphemes";

export interface Piece {
  kind: "same" | "out" | "in";
  text: string;
}

const MOST = 4_000_000;

/** Return the paragraphs of both texts in order, each as pieces kept, taken out or put in. */
export function diff(before: string, after: string): Piece[][] {
  const rows = pieces(before.split("\n"), after.split("\n"));
  const shown: Piece[][] = [];
  for (let at = 0; at < rows.length; at += 1) {
    const [row, next] = [rows[at], rows[at + 1]];
    if (row?.kind === "out" && next?.kind === "in") {
      shown.push(inside(row.text, next.text));
      at += 1;
    } else if (row) shown.push([row]);
  }
  return shown.filter((row) => row.some((piece) => piece.text !== ""));
}

/** Split at characters, but keep a number or a Latin word whole. */
function tokens(text: string): string[] {
  return text.split(/([\p{Script=Latin}\p{Nd}]+(?:[.,-][\p{Script=Latin}\p{Nd}]+)*)/u).flatMap((part, index) =>
    index % 2 === 1 ? [part] : graphemes(part),
  );
}

function inside(before: string, after: string): Piece[] {
  const joined: Piece[] = [];
  for (const piece of pieces(tokens(before), tokens(after))) {
    const last = joined.at(-1);
    if (last?.kind === piece.kind) last.text += piece.text;
    else joined.push({ ...piece });
  }
  return joined;
}

/** The longest common subsequence, within its common ends; what is too long is shown as replaced. */
function pieces(a: readonly string[], b: readonly string[]): Piece[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const same = (part: readonly string[]) => part.map((text): Piece => ({ kind: "same", text }));
  return [
    ...same(a.slice(0, start)),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...same(a.slice(a.length - end)),
  ];
}

function middle(a: readonly string[], b: readonly string[]): Piece[] {
  const out = (text: string): Piece => ({ kind: "out", text });
  const put = (text: string): Piece => ({ kind: "in", text });
  if (a.length * b.length > MOST) return [...a.map(out), ...b.map(put)];
  const width = b.length + 1;
  const best = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => best[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      best[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const found: Piece[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    const [one, other] = [a[i] ?? "", b[j] ?? ""];
    if (one === other) {
      found.push({ kind: "same", text: one });
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      found.push(out(one));
      i += 1;
    } else {
      found.push(put(other));
      j += 1;
    }
  }
  return [...found, ...a.slice(i).map(out), ...b.slice(j).map(put)];
}
