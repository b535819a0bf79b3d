/** Which page is open: path, parameters and query; history, focus, scroll and the leave guard. */
export interface Match {
  page: string;
  params: Record<string, string>;
}

export type RouteTable = readonly (readonly [path: string, page: string])[];

/** The parts of the browser the router touches; a test gives its own. */
export interface Place {
  base: string;
  origin: string;
  url: () => URL;
  history: Pick<History, "pushState" | "replaceState" | "go"> & { readonly state: unknown };
  scrollY: () => number;
  scrollTo: (y: number) => void;
}

interface State {
  i: number;
  y: number;
}

/** Find the page of `path`, with its parameters decoded; nothing where no route fits. */
export function match(table: RouteTable, path: string): Match | undefined {
  const parts = path.split("/").filter(Boolean);
  for (const [pattern, page] of table) {
    const wanted = pattern.split("/").filter(Boolean);
    if (wanted.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((want, index) => {
      const part = decode(parts[index] ?? "");
      if (part === undefined) return false;
      if (want.startsWith(":")) params[want.slice(1)] = part;
      return want.startsWith(":") || want === part;
    });
    if (fits) return { page, params };
  }
  return undefined;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

export class Router {
  #place: Place;
  #table: RouteTable;
  #index = 0;
  #guards = new Set<() => boolean>();
  #undoing = false;
  /** The scroll position to return to, and whether the heading waits for the focus. */
  #scroll: number | null = null;
  #moved = false;

  path = $state("/");
  search = $state("");
  hash = $state("");
  title = $state("");
  /** Set while the person is asked whether to leave; `go` leaves. */
  leaving = $state.raw<{ go: () => void } | null>(null);

  constructor(table: RouteTable, place: Place) {
    this.#table = table;
    this.#place = place;
    const state = place.history.state as State | null;
    this.#index = state?.i ?? 0;
    this.#read();
    place.history.replaceState({ i: this.#index, y: state?.y ?? 0 }, "");
    this.#scroll = state?.y || null;
  }

  get match(): Match | undefined {
    return match(this.#table, this.path);
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.search);
  }

  /** Return the app's path of a URL: `/desk/12` where the base is `/base/` and the URL's path `/base/desk/12`; null if it is not ours. */
  inside(url: URL): string | null {
    if (url.origin !== this.#place.origin || !url.pathname.startsWith(this.#place.base)) return null;
    const path = `/${url.pathname.slice(this.#place.base.length)}`;
    return /^\/(api|assets)\//.test(path) ? null : path;
  }

  /** Return the address of a path of the app, as an absolute path of the server. */
  address(path: string): string {
    return this.#place.base + path.replace(/^\/+/, "");
  }

  /** Return the address of this page with some of its query changed; null takes a name out. */
  here(changes: Record<string, string | null>): string {
    const query = this.query;
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") query.delete(name);
      else query.set(name, value);
    }
    const text = query.toString();
    return this.address(this.path) + (text ? `?${text}` : "");
  }

  /** Change the query without leaving the page; a new history entry only where asked. */
  setQuery(changes: Record<string, string | null>, options: { push?: boolean } = {}): void {
    this.#write(this.here(changes), !options.push);
    this.#read();
  }

  /** Take the fragment out of the address: a token must not stay in the history. */
  dropHash(): void {
    this.#write(this.address(this.path) + this.search, true);
    this.#read();
  }

  /** Open a path of the app, unless a guard holds and the person stays. */
  navigate(path: string, options: { replace?: boolean; force?: boolean } = {}): void {
    if (!options.force && this.#held()) {
      this.leaving = { go: () => this.navigate(path, { ...options, force: true }) };
      return;
    }
    this.leaving = null;
    this.#write(this.address(path), options.replace ?? false);
    this.#scroll = null;
    this.#moved = true;
    this.#read();
  }

  /** Hold the page while `unsaved` says so; returns what takes the guard away again. */
  guard(unsaved: () => boolean): () => void {
    this.#guards.add(unsaved);
    return () => this.#guards.delete(unsaved);
  }

  /** Say whether something on the page would be left behind. */
  get unsaved(): boolean {
    return this.#held();
  }

  stay(): void {
    this.leaving = null;
  }

  /** Follow the browser's back and forward buttons. */
  popped(state: unknown): void {
    const next = (state as State | null) ?? { i: this.#index, y: 0 };
    const steps = next.i - this.#index;
    if (this.#undoing) {
      this.#undoing = false;
      return;
    }
    if (steps !== 0 && this.#held()) {
      this.#undoing = true;
      this.#place.history.go(-steps);
      this.leaving = {
        go: () => {
          this.leaving = null;
          this.#guards.clear();
          this.#place.history.go(steps);
        },
      };
      return;
    }
    this.#index = next.i;
    const before = this.path;
    this.#read();
    if (this.path === before) return;
    this.#scroll = next.y;
    this.#moved = true;
  }

  /** Keep the scroll position with the history entry. */
  keepScroll(): void {
    this.#place.history.replaceState({ i: this.#index, y: this.#place.scrollY() }, "");
  }

  /** Take what the page that has just appeared should do: focus its heading, scroll. Once a move. */
  arrive(): { moved: boolean; y: number | null } {
    const arrived = { moved: this.#moved, y: this.#scroll };
    this.#moved = false;
    this.#scroll = null;
    return arrived;
  }

  #held(): boolean {
    return [...this.#guards].some((unsaved) => unsaved());
  }

  #write(address: string, replace: boolean): void {
    if (replace) {
      this.#place.history.replaceState({ i: this.#index, y: 0 }, "", address);
      return;
    }
    this.keepScroll();
    this.#index += 1;
    this.#place.history.pushState({ i: this.#index, y: 0 }, "", address);
  }

  #read(): void {
    const url = this.#place.url();
    this.path = this.inside(url) ?? "/";
    this.search = url.search;
    this.hash = url.hash;
  }
}
