/** Conflicts of interest as the desk reads them. */
import type { Shapes } from "$lib/shapes";

export type Conflict = Shapes["ConflictWords"];

/** Return the conflicts that still stand in the way; the hard ones first. */
export function standing(found: readonly Conflict[]): Conflict[] {
  return found.filter((one) => !one.dismissed).sort((a, b) => Number(b.hard) - Number(a.hard));
}
