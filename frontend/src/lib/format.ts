/** How dates, numbers and sentences are written in each language. Nothing here knows the page. */
export type Language = "zh" | "en";
export type Params = Record<string, string | number>;

export const BEIJING = "Asia/Shanghai";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = {
  zh: ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
  en: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
};

/** Put `params` into the places `{name}` of `text`; a place without a value stays as it is. */
export function fill(text: string, params?: Params): string {
  if (!params) return text;
  return text.replace(/\{(\w+)\}/g, (place, name: string) =>
    Object.hasOwn(params, name) ? String(params[name]) : place,
  );
}

/** Return which sentence of `sentences` says `key`: English has one and other, Chinese one form. */
export function choose(
  sentences: Record<string, string>,
  key: string,
  language: Language,
  count?: number,
): string | undefined {
  if (key in sentences) return sentences[key];
  const one = language === "en" && count === 1;
  return sentences[`${key}_${one ? "one" : "other"}`];
}

interface Parts {
  year: number;
  month: number;
  day: number;
  weekday: number;
  hour: string;
  minute: string;
}

const readers = new Map<string, Intl.DateTimeFormat>();

function parts(at: Date, zone: string): Parts {
  let reader = readers.get(zone);
  if (!reader) {
    reader = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      year: "numeric",
      month: "numeric",
      day: "numeric",
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    readers.set(zone, reader);
  }
  const found = Object.fromEntries(reader.formatToParts(at).map((p) => [p.type, p.value]));
  return {
    year: Number(found["year"]),
    month: Number(found["month"]),
    day: Number(found["day"]),
    weekday: WEEKDAYS.en.indexOf(found["weekday"] ?? ""),
    hour: found["hour"] ?? "",
    minute: found["minute"] ?? "",
  };
}

/** Read an instant, or a calendar date (taken at noon in Beijing, so that no zone moves it). */
export function instant(value: string | number | Date): Date {
  if (typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value)) {
    return new Date(`${value}T12:00:00+08:00`);
  }
  return new Date(value);
}

export interface DateStyle {
  weekday?: boolean;
  /** Show the year; by default only when it is not the present one. */
  year?: boolean;
  time?: boolean;
  zone?: string;
}

/** Write an instant: 11月30日（周一）16:00, or Mon 30 Nov, 16:00. */
export function writeDate(
  value: string | number | Date,
  language: Language,
  now: number,
  style: DateStyle = {},
): string {
  const at = instant(value);
  if (Number.isNaN(at.getTime())) return "";
  const zone = style.zone ?? BEIJING;
  const p = parts(at, zone);
  const year = style.year ?? p.year !== parts(new Date(now), zone).year;
  const clock = `${p.hour}:${p.minute}`;
  const weekday = style.weekday ? WEEKDAYS[language][p.weekday] : "";
  if (language === "zh") {
    const date = `${year ? `${p.year}年` : ""}${p.month}月${p.day}日${weekday ? `（${weekday}）` : ""}`;
    if (!style.time) return date;
    return weekday ? date + clock : `${date} ${clock}`;
  }
  const date = `${weekday ? `${weekday} ` : ""}${p.day} ${MONTHS[p.month - 1]}${year ? ` ${p.year}` : ""}`;
  return style.time ? `${date}, ${clock}` : date;
}

/** Write only the clock: 09:28. */
export function writeTime(value: string | number | Date, zone = BEIJING): string {
  const p = parts(instant(value), zone);
  return `${p.hour}:${p.minute}`;
}

/** Write a month given as 2027-03 or as a date: 2027年3月, Mar 2027. */
export function writeMonth(value: string, language: Language): string {
  const found = /^(\d{4})-(\d{2})/.exec(value);
  if (!found) return "";
  const month = Number(found[2]);
  return language === "zh" ? `${found[1]}年${month}月` : `${MONTHS[month - 1]} ${found[1]}`;
}

/** Write two months as a span: 2027.01–2028.06. */
export function writeSpan(from: string, to: string): string {
  const short = (value: string) => value.slice(0, 7).replace("-", ".");
  return `${short(from)}–${short(to)}`;
}

/** Say whether `zone` shows another time than Beijing at `at`. */
export function differs(at: Date, zone: string): boolean {
  const [here, there] = [parts(at, zone), parts(at, BEIJING)];
  return here.hour !== there.hour || here.minute !== there.minute || here.day !== there.day;
}

/** Group the digits of a number: 12,345. */
export function writeNumber(value: number, digits?: number): string {
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits ?? 0,
    maximumFractionDigits: digits ?? 6,
  });
}

/** Write an amount given in fen: in 万元 for Chinese, in yuan for English. */
export function writeMoney(fen: number | string, language: Language): string {
  const value = BigInt(fen);
  const sign = value < 0n ? "-" : "";
  const abs = value < 0n ? -value : value;
  const group = (whole: bigint) => whole.toLocaleString("en-US");
  if (language === "en") {
    return `${sign}${group(abs / 100n)}.${String(abs % 100n).padStart(2, "0")}`;
  }
  // Two decimals of 万元 are 100 yuan: show more only when they hold something.
  const rest = String(abs % 1_000_000n).padStart(6, "0").replace(/0+$/, "").padEnd(2, "0");
  return `${sign}${group(abs / 1_000_000n)}.${rest}`;
}

export interface Remaining {
  days: number;
  hours: number;
  minutes: number;
  over: boolean;
}

/** Split what is left until `until`, seen at `now` (milliseconds). */
export function remaining(until: number, now: number): Remaining {
  const left = Math.floor((until - now) / 60_000);
  const abs = Math.max(left, 0);
  return {
    days: Math.floor(abs / 1440),
    hours: Math.floor((abs % 1440) / 60),
    minutes: abs % 60,
    over: until <= now,
  };
}
