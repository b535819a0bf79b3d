/**
 * The API, typed by the server's OpenAPI document.
 *
 *   const { data, etag } = await ok(api.GET("/api/calls/{id}", { params: { path: { id } } }));
 *   await ok(api.PUT("/api/…", { params, body, headers: ifMatch(rev) }));
 *   await form.run((headers) => ok(api.POST("/api/…", { body, headers })));     // const form = new Once()
 *
 * `ok` gives the data or throws a Problem. A 401 opens the login dialog, and the request is sent
 * again after it; `quiet` is the same client without that, for autosave.
 */
import { client } from "./call";
import { Problem, asProblem } from "./problem";
import type { paths } from "./schema";
import { firstAnswer, retryAfter, transport, type Hooks, type Outside } from "./transport";

export { Problem, asProblem, fieldText, UNREACHED } from "./problem";

/** What the session puts in: see session.svelte.ts. */
export const hooks: Hooks = { expired: () => Promise.resolve(false), tag: () => null, typed: () => null };

const outside: Outside = {
  fetch: (request) => globalThis.fetch(request),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  first: firstAnswer,
  online: () => navigator.onLine,
};

const baseUrl = typeof document === "undefined" ? "" : new URL(".", document.baseURI).href.replace(/\/$/, "");

/** Mark a change as ours: a header no plain form can send; the server also looks at where it comes from. */
function marked(send: (request: Request) => Promise<Response>) {
  return (request: Request): Promise<Response> => {
    if (request.method !== "GET") request.headers.set("X-Lianyan", "1");
    const creates = request.method === "POST" && !request.headers.has("If-Match");
    if (creates && !request.headers.has("Idempotency-Key")) request.headers.set("Idempotency-Key", uuid());
    return send(request);
  };
}

const late: Hooks = { expired: () => hooks.expired(), tag: () => hooks.tag(), typed: (act) => hooks.typed(act) };

export const api = client<paths>(baseUrl, marked(transport(outside, late, true)));
export const quiet = client<paths>(baseUrl, marked(transport(outside, late, false)));

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

export interface Answer<T> {
  data: T;
  /** The entity tag as the server sent it, for `If-Match`. */
  etag: string;
  /** The address of what was created. */
  location: string;
  response: Response;
}

/** Return what the server answered, or throw the Problem. */
export async function ok<T>(request: Promise<Answered<T>>): Promise<Answer<T>> {
  let answered: Answered<T>;
  try {
    answered = await request;
  } catch (error) {
    throw asProblem(error);
  }
  const { data, error, response } = answered;
  if (!response.ok) {
    const body = typeof error === "object" && error !== null ? error : {};
    const { headers } = response;
    throw new Problem(response.status, body, headers.get("x-request-id") ?? "", retryAfter(headers));
  }
  const header = (name: string) => response.headers.get(name) ?? "";
  return { data: data as T, etag: header("etag"), location: header("location"), response };
}

/** The header that says which state of a thing is being changed: its `rev`, or the ETag as received. */
export function ifMatch(rev: number | string): { "If-Match": string } {
  return { "If-Match": typeof rev === "string" && rev.includes('"') ? rev : `"${rev}"` };
}

/** One creating form: the same key goes with each try until something definite has come back. */
export class Once {
  #key = uuid();

  async run<T>(send: (headers: { "Idempotency-Key": string }) => Promise<T>): Promise<T> {
    try {
      const done = await send({ "Idempotency-Key": this.#key });
      this.#key = uuid();
      return done;
    } catch (error) {
      // A refusal changed nothing, so the corrected form is a new one; silence may have created it.
      const refused = error instanceof Problem && error.status >= 400 && error.status < 500;
      if (refused && ![401, 408, 429].includes(error.status)) this.#key = uuid();
      throw error;
    }
  }
}

/** Return a random version 4 UUID, also where the page is not a secure context. */
export function uuid(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
