/**
 * Saving one section while a person writes. Each edit goes to the device at once; one second
 * after the last one, and never in the middle of a composition, the section goes to the server.
 *
 *   const save = new Autosave(autosaveFor({ thing: id, section, value, etag, send, current }));
 *   await save.restore();                 // on opening the page
 *   <TextArea value={save.value.aims} oninput={(aims) => save.edit({ ...save.value, aims })} />
 *   <SaveLine {save} />
 *   onDestroy(() => save.close());
 */
import { Problem, UNREACHED, asProblem } from "./api/problem";
import { draftKey, drafts, type DraftStore } from "./drafts";
import { composition, type Composition } from "./ime";

export type SaveState = "idle" | "saving" | "saved" | "offline" | "conflict" | "expired" | "refused";

export interface Held<T> {
  value: T;
  etag: string;
}

export interface Outside {
  drafts: DraftStore;
  composition: Pick<Composition, "active" | "after">;
  now: () => number;
  later: (task: () => void, ms: number) => unknown;
  cancel: (timer: unknown) => void;
  online: () => boolean;
}

export interface Options<T> {
  person: string;
  /** The proposal or review the section belongs to. */
  thing: string;
  section: string;
  value: T;
  etag: string;
  /** Send the section with `If-Match: etag`; the new tag comes back, a refusal is thrown. */
  send: (value: T, etag: string) => Promise<string>;
  /** Read what the server holds after a 412: from the problem, or by asking. */
  current: (problem: Problem) => Promise<Held<T>> | Held<T>;
  outside?: Partial<Outside>;
}

const IDLE = 1000;
const RETRY = [3_000, 10_000, 30_000, 60_000];

const browser: Outside = {
  drafts,
  composition,
  now: () => Date.now(),
  later: (task, ms) => setTimeout(task, ms),
  cancel: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
  online: () => typeof navigator === "undefined" || navigator.onLine,
};

export class Autosave<T> {
  value = $state.raw() as T;
  state = $state<SaveState>("idle");
  /** Something here is not confirmed by the server yet. */
  dirty = $state(false);
  /** When the server last confirmed, in milliseconds. */
  savedAt = $state<number | null>(null);
  /** The text of this page came from this device. */
  restored = $state(false);
  /** The refusal of the last try, where the server refused. */
  problem = $state.raw<Problem | null>(null);
  /** Both texts, after somebody else has changed the section. */
  conflict = $state.raw<{ mine: T; theirs: Held<T> } | null>(null);

  #options: Options<T>;
  #outside: Outside;
  #key: string;
  #etag: string;
  #edit = 0;
  #timer: unknown;
  #tries = 0;
  /** The server wants nothing before this moment. */
  #until = 0;
  #running: Promise<void> | null = null;
  #restoring: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: Options<T>) {
    this.#options = options;
    this.#outside = { ...browser, ...options.outside };
    this.#key = draftKey(options.person, options.thing, options.section);
    this.#etag = options.etag;
    this.value = options.value;
  }

  get etag(): string {
    return this.#etag;
  }

  /** The try that is under way, if any. */
  get underway(): Promise<void> | null {
    return this.#running;
  }

  /** Take back what this device kept from an earlier visit. */
  async restore(): Promise<void> {
    const server = { value: this.value, etag: this.#etag };
    const reading = this.#outside.drafts.get(this.#key);
    this.#restoring = reading.catch(() => undefined);
    const kept = await reading;
    if (!kept) return;
    if (this.dirty) {
      // Typed before the copy was read: neither text is thrown away.
      if (!same(kept.value, this.value)) this.#disagree({ value: kept.value as T, etag: server.etag });
      return;
    }
    this.#edit = kept.edit;
    if (same(kept.value, server.value)) {
      await this.#outside.drafts.remove(this.#key, kept.edit);
      return;
    }
    this.value = kept.value as T;
    this.dirty = true;
    this.restored = true;
    if (kept.etag === server.etag) this.#plan(0);
    else this.#disagree(server);
  }

  /** Take an edit: on the device at once, on the server soon. */
  edit(value: T): void {
    // A plain copy: the device's store refuses what a field may have made reactive.
    this.value = $state.snapshot(value) as T;
    this.dirty = true;
    this.#keep();
    if (this.conflict) {
      this.conflict = { ...this.conflict, mine: value };
      return;
    }
    if (this.state === "expired") return;
    if (this.state === "refused") this.state = "idle";
    this.#plan(IDLE);
  }

  /** Send now what is not delivered yet; resolves when that try is over. */
  async flush(): Promise<void> {
    while (this.#running) await this.#running;
    if (!this.dirty || this.conflict || this.#closed) return;
    this.#stop();
    this.#running = this.#deliver().finally(() => {
      this.#running = null;
    });
    await this.#running;
  }

  /** The network or the person is back: try again. */
  retry(): void {
    if (this.state !== "offline" && this.state !== "expired") return;
    this.state = "idle";
    this.#tries = 0;
    void this.flush();
  }

  /** End a conflict with `value` (one of the two, or a text made from both). */
  settle(value: T): void {
    if (!this.conflict) return;
    const { theirs } = this.conflict;
    this.conflict = null;
    this.state = "idle";
    this.#etag = theirs.etag;
    this.value = value;
    if (same(value, theirs.value)) {
      this.dirty = false;
      this.savedAt = this.#outside.now();
      this.state = "saved";
      void this.#outside.drafts.remove(this.#key, this.#edit);
      return;
    }
    this.#keep();
    void this.flush();
  }

  /** Leave the page: what is waiting is sent, and nothing is planned any more; resolves after that try. */
  close(): Promise<void> {
    return this.flush().finally(() => {
      this.#closed = true;
      this.#stop();
    });
  }

  #keep(): void {
    this.#edit += 1;
    const draft = { value: this.value, etag: this.#etag, at: this.#outside.now(), edit: this.#edit };
    void this.#restoring.then(() => this.#outside.drafts.put(this.#key, draft));
  }

  #plan(ms: number): void {
    if (this.#closed) return;
    this.#stop();
    this.#timer = this.#outside.later(
      () => {
        this.#outside.composition.after(() => void this.flush());
      },
      Math.max(ms, this.#until - this.#outside.now()),
    );
  }

  #stop(): void {
    this.#outside.cancel(this.#timer);
  }

  async #deliver(): Promise<void> {
    const sent = this.#edit;
    const value = this.value;
    this.state = "saving";
    try {
      this.#etag = await this.#options.send(value, this.#etag);
    } catch (error) {
      await this.#failed(asProblem(error));
      return;
    }
    this.#tries = 0;
    this.problem = null;
    this.restored = false;
    this.savedAt = this.#outside.now();
    this.state = "saved";
    await this.#outside.drafts.remove(this.#key, sent);
    if (this.#edit === sent) {
      this.dirty = false;
      return;
    }
    // Written on while it was sent: the copy grows from the new tag now.
    this.#keep();
    this.#plan(IDLE);
  }

  async #failed(problem: Problem): Promise<void> {
    this.problem = problem;
    if (problem.status === 401) {
      this.state = "expired";
    } else if (problem.status === 412) {
      try {
        this.#disagree(await this.#options.current(problem));
      } catch (error) {
        this.#later(asProblem(error));
      }
    } else if (problem.status === UNREACHED || problem.status >= 500 || problem.status === 429) {
      this.#later(problem);
    } else {
      this.state = "refused";
    }
  }

  #later(problem: Problem): void {
    this.problem = problem;
    this.state = "offline";
    const pause = RETRY[Math.min(this.#tries, RETRY.length - 1)] ?? IDLE;
    this.#tries += 1;
    this.#until = this.#outside.now() + problem.wait * 1000;
    this.#plan(Math.max(pause, problem.wait * 1000));
  }

  #disagree(theirs: Held<T>): void {
    if (same(this.value, theirs.value)) {
      this.#etag = theirs.etag;
      this.dirty = false;
      this.state = "saved";
      this.savedAt = this.#outside.now();
      void this.#outside.drafts.remove(this.#key, this.#edit);
      return;
    }
    this.conflict = { mine: this.value, theirs };
    this.state = "conflict";
  }
}

/** Compare two contents by what they hold, whatever the order of their keys. */
export function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, held: unknown) =>
    held && typeof held === "object" && !Array.isArray(held)
      ? Object.fromEntries(Object.entries(held).sort(([one], [other]) => (one < other ? -1 : 1)))
      : held,
  );
}
