/**
 * Send one request: after the texts that are on their way; try reads again, wait for a new sign-in,
 * use the answer that came with the page.
 */
import { heard } from "../clock";

export interface Hooks {
  /** Ask the person to sign in again; true when the same person has. */
  expired: () => Promise<boolean>;
  /** The name of the session this page belongs to, sent with each change. */
  tag: () => string | null;
  /** The texts on their way, until they have arrived or failed; before an act, all that is typed is sent. */
  typed: (act: boolean) => Promise<unknown> | null;
}

export interface Outside {
  fetch: (request: Request) => Promise<Response>;
  wait: (ms: number) => Promise<void>;
  first: (url: string) => Response | undefined;
  online: () => boolean;
}

const AGAIN = [300, 1200];
/** No request waits longer for a text that is on its way, in milliseconds. */
const TYPED = 3_000;
const PASSING = new Set([502, 503, 504]);
/** A read waits so long by itself where the server says that it came too fast, in seconds. */
const PATIENCE = 5;

/** Return a `fetch` for the API client; `login` is whether a 401 waits for a new sign-in. */
export function transport(outside: Outside, hooks: Hooks, login: boolean) {
  return async function send(request: Request): Promise<Response> {
    const reads = request.method === "GET";
    const given = reads ? outside.first(request.url) : undefined;
    if (given) return given;
    const texts = login ? hooks.typed(!reads) : null;
    if (texts) await Promise.race([texts, outside.wait(TYPED)]);
    const spare = request.clone();
    const answer = await (reads ? again(request) : outside.fetch(named(request)));
    heard(answer.headers.get("date"));
    if (answer.status !== 401 || !login) return answer;
    return (await hooks.expired()) ? outside.fetch(named(spare)) : answer;
  };

  function named(request: Request): Request {
    const tag = hooks.tag();
    if (tag) request.headers.set("X-Session", tag);
    return request;
  }

  async function again(request: Request): Promise<Response> {
    for (const pause of AGAIN) {
      try {
        const answer = await outside.fetch(request.clone());
        const wait = answer.status === 429 ? retryAfter(answer.headers) : 0;
        if (wait > 0 && wait <= PATIENCE) {
          await outside.wait(wait * 1000);
          continue;
        }
        if (!PASSING.has(answer.status)) return answer;
      } catch (error) {
        if (!outside.online() || !(error instanceof TypeError)) throw error;
      }
      await outside.wait(pause);
    }
    return outside.fetch(request);
  }
}

/** Return how many seconds an answer asks to wait. */
export function retryAfter(headers: Headers): number {
  const seconds = Number(headers.get("retry-after"));
  return seconds > 0 && seconds < 86_400 ? seconds : 0;
}

/** Return the answer the server wrote into the page for `url`, once. */
export function firstAnswer(url: string): Response | undefined {
  for (const block of document.querySelectorAll('script[type="application/json"][data-url]')) {
    const of = new URL(block.getAttribute("data-url") ?? "", document.baseURI);
    if (of.href !== url) continue;
    block.remove();
    heard(block.getAttribute("data-now"));
    const headers = new Headers({ "content-type": "application/json" });
    const etag = block.getAttribute("data-etag");
    if (etag) headers.set("etag", etag);
    return new Response(block.textContent, { headers });
  }
  return undefined;
}
