/**
 * Input methods: while a word is being composed, nothing is sent, checked or written back.
 * Only one field of a page can be composing, so one guard on the document serves all.
 */
type Listen = Pick<EventTarget, "addEventListener">;

export class Composition {
  active = false;
  #waiting = new Set<() => void>();

  /** Follow the composition events of `target`; a field that loses focus ends its composition. */
  watch(target: Listen): void {
    target.addEventListener("compositionstart", () => {
      this.active = true;
    });
    for (const end of ["compositionend", "focusout"]) {
      target.addEventListener(end, () => this.#end());
    }
  }

  /** Run `task` now, or in the task after the composition has ended. */
  after(task: () => void): void {
    if (this.active) this.#waiting.add(task);
    else task();
  }

  #end(): void {
    if (!this.active) return;
    this.active = false;
    const tasks = [...this.#waiting];
    this.#waiting.clear();
    // The input event that carries the final text follows compositionend in some browsers.
    setTimeout(() => {
      for (const task of tasks) this.after(task);
    });
  }
}

export const composition = new Composition();
if (typeof document !== "undefined") composition.watch(document);

/** Say whether a key press is a real Enter and not the one that picks a candidate word. */
export function isEnter(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !event.isComposing && event.keyCode !== 229;
}
