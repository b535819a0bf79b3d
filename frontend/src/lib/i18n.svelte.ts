/** The words of the page in the reader's language, and dates, numbers and money beside them. */
import { areas, type Area, type Key } from "./catalogue";
import { serverNow } from "./clock";
import {
  BEIJING,
  choose,
  differs,
  fill,
  instant,
  remaining,
  writeDate,
  writeMoney,
  writeMonth,
  writeNumber,
  writeTime,
  type DateStyle,
  type Language,
  type Params,
} from "./format";

export type { Key, Language, Params };

let current = $state<Language>("zh");
let loaded = $state.raw<Record<string, Record<string, string>>>({});
const pending = new Map<string, Promise<void>>();

/** Return the language of the page. */
export function language(): Language {
  return current;
}

/** Return the value for a `lang` attribute. */
export function langTag(of: Language = current): string {
  return of === "zh" ? "zh-CN" : "en";
}

/** Load areas in the present language; a second call for the same area costs nothing. */
export async function loadAreas(names: readonly string[], of: Language = current): Promise<void> {
  await Promise.all(names.map((name) => loadArea(name, of)));
}

function loadArea(name: string, of: Language): Promise<void> {
  const id = `${of}/${name}`;
  if (loaded[id] || !(name in areas)) return Promise.resolve();
  let waiting = pending.get(id);
  if (!waiting) {
    waiting = areas[name as Area][of]()
      .then((file) => {
        loaded = { ...loaded, [id]: file.default };
      })
      .finally(() => pending.delete(id));
    pending.set(id, waiting);
  }
  return waiting;
}

/** Load the areas that a page of `folder` needs, with those needed everywhere. */
export function loadFor(folder: string): Promise<void> {
  const names = Object.entries(areas)
    .filter(([, entry]) => entry.pages.includes("all") || entry.pages.includes(folder))
    .map(([name]) => name);
  return loadAreas(names);
}

/** Change the language of the page without reloading it. */
export async function speak(next: Language): Promise<void> {
  const names = Object.keys(loaded).map((id) => id.slice(3));
  await loadAreas([...new Set(names)], next);
  current = next;
  if (typeof document !== "undefined") document.documentElement.lang = langTag(next);
}

/** Choose the language of the page: the account's, or what the server wrote into `<html lang>`. */
export function firstLanguage(account?: string | null): Language {
  const wish = account ?? document.documentElement.lang;
  return wish.toLowerCase().startsWith("en") ? "en" : "zh";
}

/** Remember the language for the next visit of this browser. */
export function rememberLanguage(of: Language): void {
  const base = new URL(".", document.baseURI);
  const secure = base.protocol === "https:" ? "; Secure" : "";
  document.cookie = `lang=${of}; Path=${base.pathname}; Max-Age=31536000; SameSite=Lax${secure}`;
}

/** Say `key` in the language of the page. */
export function t(key: Key, params?: Params): string {
  return words(key, params) ?? key;
}

/**
 * Say a key that came from the server; undefined where the catalogue of the browser lacks it.
 * An area that is registered but not here yet is fetched, and the page is redrawn when it comes.
 */
export function words(key: string, params?: Params): string | undefined {
  const dot = key.indexOf(".");
  const area = key.slice(0, dot);
  const sentences = loaded[`${current}/${area}`];
  if (!sentences) {
    if (area in areas) void loadArea(area, current);
    return undefined;
  }
  const count = params?.["count"];
  const text = choose(sentences, key.slice(dot + 1), current, Number(count));
  return text === undefined ? undefined : fill(text, params && inOne(params));
}

/** Return the parameters with each name that comes in both languages in the one that is spoken. */
function inOne(params: Params): Params {
  const said = (value: unknown) =>
    typeof value === "object" && value !== null && current in value ? value[current as keyof typeof value] : value;
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, said(value)])) as Params;
}

/** Return the pieces of a sentence for `Say`: text, and the names of the places in it. */
export function pieces(key: Key, params?: Params): { text?: string; place?: string }[] {
  return t(key, params)
    .split(/(\{\w+\})/)
    .filter((part) => part !== "")
    .map((part) => (/^\{\w+\}$/.test(part) ? { place: part.slice(1, -1) } : { text: part }));
}

/** Read an instant or a day that the server wrote. */
export function instantDate(value: string): Date {
  return instant(value);
}

/** Write a number with its digits grouped. */
export function n(value: number, digits?: number): string {
  return writeNumber(value, digits);
}

/** Write a date in Beijing: 11月30日, with the weekday or the year where asked. */
export function date(value: string, style?: DateStyle): string {
  return writeDate(value, current, serverNow() ?? Date.now(), style);
}

/** Write date and time in Beijing: 11月30日 16:00. */
export function dateTime(value: string, style?: DateStyle): string {
  return date(value, { time: true, ...style });
}

/** Write the clock in Beijing: 16:00. */
export function time(value: string | number): string {
  return writeTime(value);
}

/** Write a month: 2027年3月. */
export function month(value: string): string {
  return writeMonth(value, current);
}

/** Write the same instant in the viewer's zone, or nothing where that is Beijing's time. */
export function localTime(value: string): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || BEIJING;
  if (!differs(instant(value), zone)) return "";
  return t("ui.your_time", { time: date(value, { time: true, zone }) });
}

/** Write an amount given in fen: 20.00 万元. */
export function money(fen: number | string): string {
  return t("time.wan", { amount: writeMoney(fen, current) });
}

/** Write how long it is until `until`, by the server's clock; empty before the server has spoken. */
export function left(until: string, at: number | null = serverNow(), expected = false): string {
  if (at === null) return "";
  const rest = remaining(instant(until).getTime(), at);
  if (rest.over && !expected) return t("time.passed");
  if (rest.over) return t("time.over", { span: span(remaining(at, instant(until).getTime())) });
  return t("time.left", { span: span(rest) });
}

function span(rest: { days: number; hours: number; minutes: number }): string {
  const say = (key: "time.days" | "time.hours" | "time.minutes", count: number) =>
    count > 0 ? t(key, { count }) : "";
  const said =
    rest.days > 0
      ? [say("time.days", rest.days), say("time.hours", rest.hours)]
      : [say("time.hours", rest.hours), say("time.minutes", rest.minutes)];
  return said.filter(Boolean).join(" ") || t("time.under_minute");
}
