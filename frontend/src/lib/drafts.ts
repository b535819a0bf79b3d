/**
 * What the server has not confirmed yet, kept on this device: one copy per person, proposal and
 * section, written on each keystroke before anything is sent, and deleted when it is delivered.
 */
export interface Draft {
  value: unknown;
  /** The entity tag of the server's text that this one grew from. */
  etag: string;
  at: number;
  /** Counts edits, so that a later one is not deleted with an earlier one. */
  edit: number;
}

export interface DraftStore {
  put: (key: string, draft: Draft) => Promise<void>;
  get: (key: string) => Promise<Draft | undefined>;
  remove: (key: string, edit: number) => Promise<void>;
  list: (person: string) => Promise<string[]>;
  wipe: (person: string) => Promise<void>;
}

const STORE = "sections";

/** Return the key of a section's copy. */
export function draftKey(person: string, thing: string, section: string): string {
  return [person, thing, section].map(encodeURIComponent).join("/");
}

function request<T>(of: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    of.onsuccess = () => resolve(of.result);
    of.onerror = () => reject(of.error ?? new Error("the device store failed"));
  });
}

/** The store in the browser's database; where there is none, memory keeps the text as long as the page. */
class DeviceDrafts implements DraftStore {
  #opened: Promise<IDBDatabase | null> | undefined;
  #memory = new Map<string, Draft>();

  async put(key: string, draft: Draft): Promise<void> {
    this.#memory.set(key, draft);
    await (await this.#store("readwrite", (store) => store.put(draft, key)));
  }

  async get(key: string): Promise<Draft | undefined> {
    const found = await this.#store<Draft | undefined>("readonly", (store) => store.get(key));
    return found ?? this.#memory.get(key);
  }

  async remove(key: string, edit: number): Promise<void> {
    if (this.#memory.get(key)?.edit === edit) this.#memory.delete(key);
    const kept = await this.get(key);
    if (kept?.edit === edit) await this.#store("readwrite", (store) => store.delete(key));
  }

  async list(person: string): Promise<string[]> {
    const keys = (await this.#store<IDBValidKey[]>("readonly", (store) => store.getAllKeys(range(person)))) ?? [];
    return [...new Set([...keys.map(String), ...[...this.#memory.keys()].filter((key) => key.startsWith(`${encodeURIComponent(person)}/`))])];
  }

  async wipe(person: string): Promise<void> {
    for (const key of this.#memory.keys()) {
      if (key.startsWith(`${encodeURIComponent(person)}/`)) this.#memory.delete(key);
    }
    await this.#store("readwrite", (store) => store.delete(range(person)));
  }

  async #store<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest): Promise<T | undefined> {
    const database = await (this.#opened ??= this.#open());
    if (!database) return undefined;
    // strict: the copy is on the disk, not only in the browser's hands, when a tab is killed.
    const transaction = database.transaction(STORE, mode, mode === "readwrite" ? { durability: "strict" } : {});
    const asked = request(act(transaction.objectStore(STORE)));
    // Asked for with the request itself: a tab that dies before the answer would take the last key along.
    transaction.commit();
    return (await asked) as T;
  }

  async #open(): Promise<IDBDatabase | null> {
    try {
      const opening = indexedDB.open("lianyan", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
      return await request(opening);
    } catch {
      return null;
    }
  }
}

function range(person: string): IDBKeyRange {
  const start = `${encodeURIComponent(person)}/`;
  return IDBKeyRange.bound(start, `${start}\uffff`);
}

export const drafts: DraftStore = new DeviceDrafts();
