/** What went wrong, as the server says it (RFC 9457), or as the network does. */
import { t, words, type Params } from "../i18n.svelte";

export interface FieldError {
  field: string;
  code: string;
  params?: Params;
  detail?: string;
}

interface Body {
  type?: string;
  code?: string;
  title?: string;
  detail?: string;
  params?: Record<string, unknown>;
  errors?: FieldError[];
}

/** No answer came: the network is down or the server cannot be reached. */
export const UNREACHED = 0;

export class Problem extends Error {
  readonly status: number;
  readonly type: string;
  /** A key of the message catalogue, `<area>.<key>`. */
  readonly code: string;
  readonly detail: string;
  /** What fills the sentence; a 412 carries the stored content here. */
  readonly params: Record<string, unknown>;
  readonly errors: readonly FieldError[];
  readonly requestId: string;
  /** How many seconds the server asks to wait before the next try; 0 where it does not say. */
  readonly wait: number;

  constructor(status: number, body: Body = {}, requestId = "", wait = 0) {
    super(body.code ?? `${status}`);
    this.name = "Problem";
    this.status = status;
    this.type = body.type ?? "about:blank";
    this.code = body.code ?? "";
    this.detail = body.detail ?? body.title ?? "";
    this.params = body.params ?? {};
    this.errors = body.errors ?? [];
    this.requestId = requestId;
    this.wait = wait;
  }

  /** Say it in the language of the page. */
  get text(): string {
    if (this.status === UNREACHED) return t("app.unreached");
    return words(this.code, plain(this.params)) ?? (this.detail || t("app.failed"));
  }

  /** The sentence for one field, or nothing. */
  of(field: string): string | undefined {
    const found = this.errors.find((error) => error.field === field);
    return found && fieldText(found);
  }
}

/** Say what is wrong with a field in the language of the page. */
export function fieldText(error: FieldError): string {
  return words(error.code, error.params) ?? error.detail ?? error.code;
}

/** Make a problem of anything thrown by a request. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TypeError || (error instanceof DOMException && error.name !== "AbortError")) {
    return new Problem(UNREACHED);
  }
  throw error;
}

function plain(params: Record<string, unknown>): Params {
  const kept = Object.entries(params).filter(
    (entry): entry is [string, string | number] => typeof entry[1] === "string" || typeof entry[1] === "number",
  );
  return Object.fromEntries(kept);
}
