/** What time the server says it is. The device's own clock never decides anything. */
let anchor: { server: number; mono: number } | undefined;

/** Take the server's time from an answer (its `Date` header, or an instant in the page). */
export function heard(date: string | null | undefined): void {
  const server = date ? Date.parse(date) : Number.NaN;
  if (!Number.isNaN(server)) anchor = { server, mono: performance.now() };
}

/** Return the server's time in milliseconds, carried on by the monotonic clock; null before any answer. */
export function serverNow(): number | null {
  return anchor ? anchor.server + (performance.now() - anchor.mono) : null;
}
