/** A form that is sent with its own button: until then each edit is kept on this device. */
import { same } from "$lib/autosave.svelte";
import { draftKey, drafts } from "$lib/drafts";
import { session } from "$lib/session.svelte";

export class Kept<T> {
  value = $state.raw() as T;
  /** Something here has not been sent. */
  dirty = $state(false);
  /** What is shown came from this device. */
  restored = $state(false);

  #key: string;
  #edit = 0;

  constructor(thing: string, section: string, value: T) {
    this.value = value;
    this.#key = draftKey(session.person?.id ?? "nobody", thing, section);
    void this.#restore();
  }

  /** Take an edit, on the device at once. */
  edit(value: T): void {
    this.value = value;
    this.dirty = true;
    this.#edit += 1;
    void drafts.put(this.#key, { value, etag: "", at: Date.now(), edit: this.#edit });
  }

  /** Show what the server holds, and forget the copy. */
  settle(value: T): void {
    this.value = value;
    this.dirty = false;
    this.restored = false;
    void drafts.remove(this.#key, this.#edit);
  }

  async #restore(): Promise<void> {
    const found = await drafts.get(this.#key).catch(() => undefined);
    if (!found || this.dirty) return;
    this.#edit = found.edit;
    if (same(found.value, this.value)) {
      await drafts.remove(this.#key, found.edit);
      return;
    }
    this.value = found.value as T;
    this.dirty = true;
    this.restored = true;
  }
}
