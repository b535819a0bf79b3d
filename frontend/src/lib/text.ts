/** What the server's text gate would refuse, said while one still types. The server decides. */
import type { Key, Params } from "./i18n.svelte";

export interface Warning {
  key: Key;
  params?: Params;
}

const BREAK = /[\n\r\v\f\u0085\u2028\u2029]/;
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
// Tab and line feed pass; a carriage return does where it is half of a line break.
const CONTROL = /(?![\t\n])\p{Cc}/u;
const NONCHARACTER = /\p{Noncharacter_Code_Point}/u;
const SURROGATE = /\p{Surrogate}/u;

/** Return what is wrong with `text`, or nothing; `line` asks for the rules of one-line fields. */
export function warn(text: string, line = false): Warning | undefined {
  if (text.includes("\0")) return { key: "text.nul" };
  if (SURROGATE.test(text)) return { key: "text.surrogate" };
  const none = NONCHARACTER.exec(text);
  if (none) return { key: "text.noncharacter", params: { sign: sign(none[0]) } };
  if (line) {
    const trimmed = text.trim();
    if (BREAK.test(trimmed)) return { key: "text.line_break_in_line" };
    const turn = BIDI.exec(trimmed);
    if (turn) return { key: "text.bidi_in_line", params: { sign: sign(turn[0]) } };
  }
  const control = CONTROL.exec(text.replace(/\r\n/g, "\n"));
  return control ? { key: "text.control", params: { sign: sign(control[0]) } } : undefined;
}

function sign(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}
