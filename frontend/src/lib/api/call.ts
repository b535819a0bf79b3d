/**
 * The calls of the API client: path and query from the parameters, JSON out and in.
 * The types are openapi-fetch's, so every call is checked against the server's document; the
 * little of it that runs is here, a quarter of its size.
 */
import type { Client } from "openapi-fetch";

interface Init {
  params?: { path?: Record<string, unknown>; query?: Record<string, unknown> };
  body?: unknown;
  headers?: HeadersInit;
  signal?: AbortSignal;
}

type Send = (request: Request) => Promise<Response>;

const METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE"] as const;

/** Return a client whose requests leave through `send`; `base` is the portal's address. */
export function client<Paths extends object>(base: string, send: Send): Pick<Client<Paths>, (typeof METHODS)[number]> {
  const calls = METHODS.map((method) => [method, (path: string, init?: Init) => call(base, send, method, path, init)]);
  return Object.fromEntries(calls) as Client<Paths>;
}

async function call(base: string, send: Send, method: string, path: string, init: Init = {}) {
  const headers = new Headers(init.headers);
  if (init.body !== undefined) headers.set("Content-Type", "application/json");
  const request = new Request(address(base, path, init.params), {
    method,
    headers,
    credentials: "same-origin",
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    ...(init.signal ? { signal: init.signal } : {}),
  });
  const response = await send(request);
  const content = await read(response);
  return response.ok ? { data: content, response } : { error: content, response };
}

function address(base: string, path: string, params: Init["params"] = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_place, name: string) => encodeURIComponent(String(params.path?.[name])));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params.query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) query.append(name, String(one));
    }
  }
  const text = query.toString();
  return base + filled + (text ? `?${text}` : "");
}

async function read(response: Response): Promise<unknown> {
  const text = response.status === 204 ? "" : await response.text();
  if (text === "") return undefined;
  const json = response.headers.get("content-type")?.includes("json");
  try {
    return json ? JSON.parse(text) : text;
  } catch (error) {
    // Half an answer: the connection broke while it came.
    throw new TypeError("unreadable answer", { cause: error });
  }
}
