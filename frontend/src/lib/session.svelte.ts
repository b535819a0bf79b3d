/** Who is signed in and what the server lets them see; signing in again without leaving the page. */
import { api, hooks, ok, quiet } from "./api/client";
import { heard } from "./clock";
import { firstLanguage, rememberLanguage, speak, type Language } from "./i18n.svelte";
import type { Both } from "./said";
import type { Shapes } from "./shapes";

export interface Person {
  id: string;
  name: string;
  /** Their institution gave no name: the first page asks for it. */
  name_missing?: boolean;
  status?: string;
  institutions?: Shapes["InstitutionRef"][];
  offices?: Shapes["InstitutionRef"][];
  /** Those that have not confirmed the person yet. */
  waiting?: Shapes["InstitutionRef"][];
  roles?: string[];
  /** The one proposal a session by invitation opens. */
  scope?: string | null;
}

export interface Platform {
  name?: Both;
  lead?: Shapes["InstitutionRef"] | null;
  contact?: string;
  record_number?: string | null;
}

export interface NavItem {
  key: string;
  count?: number | null;
}

/** What `GET /api/session` says; a part that is missing leaves its place on the page empty. */
export interface SessionData {
  person: Person | null;
  locale?: string | null;
  demo?: boolean;
  now?: string;
  nav?: NavItem[];
  platform?: Platform;
  /** Names this session, so that an old page cannot act in a new one. */
  tag?: string | null;
}

/** The store of undelivered text, fetched only when somebody signs out. */
const device = async () => (await import("./drafts")).drafts;

const SIGNED_OUT: SessionData = { person: null };
/** What a window tells the others when its person signs out of all of them. */
const SIGNED_OFF = "";
/** The name of the window that a new sign-in opens. */
const WINDOW = "lianyan-login";
/** Where it ends: the institution's own pages make a browser forget a window's name and opener. */
export const LOGIN_DONE = "/home?window=login";
/** How often a page says that its person is there: that they have touched it since the last time. */
const RENEW = 10 * 60_000;

export class Session {
  data = $state.raw<SessionData>(SIGNED_OUT);
  /** False until the server has answered for the first time. */
  known = $state(false);
  /** The login dialog is open: `again` after an expiry, `first` where nobody was signed in. */
  asking = $state<"again" | "first" | null>(null);
  /** Somebody else signed in than the person whose page this is. */
  changed = $state(false);
  /** This window was opened only to sign in, and that is done. */
  spare = $state(false);

  /** How many sections are kept on this device only, while the person is asked whether to sign out. */
  keeps = $state(0);

  #touched = true;
  #waiting: ((same: boolean) => void)[] = [];
  #returned = new Set<() => void>();
  #channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("lianyan-session");

  get person(): Person | null {
    return this.data.person;
  }

  /** The institutions that have confirmed the person: those they can lead a proposal for. */
  get institutions(): Shapes["InstitutionRef"][] {
    return this.person?.institutions ?? [];
  }

  /** Whether a place of the main navigation is the person's. */
  may(place: string): boolean {
    return (this.data.nav ?? []).some((item) => item.key === place);
  }

  get platform(): Platform {
    return this.data.platform ?? {};
  }

  /** Ask the server who is here; keeps the present answer where it cannot be reached. */
  async load(): Promise<void> {
    this.#take(await this.#ask());
  }

  /** The first load: language, then the news to other windows that somebody has signed in. */
  async start(): Promise<void> {
    hooks.expired = () => this.expired();
    hooks.tag = () => this.data.tag ?? null;
    this.#channel?.addEventListener("message", (news: MessageEvent<string | null>) => {
      if (news.data === SIGNED_OFF && this.person) return location.replace(document.baseURI);
      if (this.asking || news.data !== (this.data.tag ?? null)) void this.check();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && this.asking === "again") void this.check();
    });
    // A page the browser has kept as it was may be somebody's who has signed out since.
    addEventListener("pageshow", (event) => {
      if (event.persisted) void this.#kept();
    });
    const touched = () => (this.#touched = true);
    for (const sign of ["pointerdown", "keydown", "scroll"]) {
      addEventListener(sign, touched, { capture: true, passive: true });
    }
    setInterval(() => void this.renew(), RENEW);
    await this.load();
    if (!this.person) return;
    this.#channel?.postMessage(this.data.tag ?? null);
    if (new URLSearchParams(location.search).get("window") === "login") {
      this.spare = true;
      // Some browsers let it close itself; in the others the page says that it may be closed.
      window.close();
    }
  }

  /** Keep the session from ending while its person is here; it still ends at its longest. */
  async renew(): Promise<void> {
    if (!this.person || this.asking || !this.#touched) return;
    this.#touched = false;
    await ok(quiet.POST("/api/session/renew", {})).catch(() => undefined);
  }

  /** A request found nobody signed in: open the dialog, and say whether the same person came back. */
  expired(): Promise<boolean> {
    this.asking ??= this.person ? "again" : "first";
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Do `task` each time the person has signed in again; returns what ends that. */
  onReturn(task: () => void): () => void {
    this.#returned.add(task);
    return () => this.#returned.delete(task);
  }

  /** Open the sign-in in its own window; false where the browser would not. */
  openLogin(): boolean {
    return window.open(this.loginAddress(LOGIN_DONE), WINDOW) !== null;
  }

  /** The sign-in page, returning to `next` (a path of the app) afterwards. */
  loginAddress(next?: string): string {
    const url = new URL("login", document.baseURI);
    if (next) url.searchParams.set("next", next);
    return url.href;
  }

  /** Look who is signed in now, and let what waits go on if it is the person of this page. */
  async check(): Promise<void> {
    const before = this.person;
    let now: SessionData;
    try {
      now = await this.#ask();
    } catch {
      return;
    }
    // Nobody yet: the page keeps its person, so that the dialog knows whom it waits for.
    if (!now.person) return;
    if (before && before.id !== now.person.id) {
      // The page keeps its session too, so that nothing of it is written in another's name.
      this.changed = true;
      this.asking = null;
      this.#settle(false);
      return;
    }
    this.#take(now);
    this.asking = null;
    this.#settle(true);
    for (const task of this.#returned) task();
  }

  /** Close the dialog without a sign-in; requests that wait fail with their 401. */
  later(): void {
    this.asking = null;
    this.#settle(false);
  }

  /** Sign out, delete what this device keeps of the person, and open the public home. */
  async signOut(): Promise<void> {
    const { person } = this;
    const { data } = await ok(api.DELETE("/api/session", {}));
    if (person) await (await device()).wipe(person.id);
    this.#channel?.postMessage(SIGNED_OFF);
    // The institution's own session may live on; where it can be ended, the browser goes there.
    location.assign(data?.end_session_url ?? document.baseURI);
  }

  /** Sign out, or first ask where this device keeps what was not delivered. */
  async askToLeave(): Promise<void> {
    this.keeps = this.person ? (await (await device()).list(this.person.id)).length : 0;
    if (this.keeps === 0) await this.signOut();
  }

  /** Change the language of the page and remember it: here, and with the account. */
  async setLanguage(of: Language): Promise<void> {
    rememberLanguage(of);
    await speak(of);
    if (this.person) await ok(quiet.PUT("/api/session/locale", { body: { locale: of } })).catch(() => undefined);
  }

  /** Take the account's language once it is known. */
  async follow(): Promise<void> {
    const account = this.person ? this.data.locale : null;
    await speak(firstLanguage(account));
  }

  /** Show a page from the browser's memory only to the person it was made for. */
  async #kept(): Promise<void> {
    document.documentElement.hidden = true;
    const now = await this.#ask().catch(() => SIGNED_OUT);
    if (now.person?.id !== this.person?.id) location.reload();
    else document.documentElement.hidden = false;
  }

  async #ask(): Promise<SessionData> {
    const { data } = await ok(quiet.GET("/api/session", {}));
    return data;
  }

  #take(data: SessionData): void {
    this.data = { ...SIGNED_OUT, ...data };
    heard(data.now);
    this.known = true;
  }

  #settle(same: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve(same);
  }
}

export const session = new Session();
