import assert from "node:assert/strict";
import { test } from "node:test";

import { moneyText, narrow, readMoney } from "$lib/amounts";
import {
  choose,
  differs,
  fill,
  remaining,
  writeDate,
  writeMoney,
  writeMonth,
  writeSpan,
  writeTime,
} from "$lib/format";

const now = Date.parse("2026-11-25T02:00:00Z");
const due = "2026-11-30T08:00:00Z";

test("writes dates in Beijing, whatever the zone of the machine", () => {
  assert.equal(writeDate(due, "zh", now, { weekday: true, time: true }), "11月30日（周一）16:00");
  assert.equal(writeDate(due, "zh", now, { time: true }), "11月30日 16:00");
  assert.equal(writeDate(due, "zh", now), "11月30日");
  assert.equal(writeDate(due, "en", now, { weekday: true, time: true }), "Mon 30 Nov, 16:00");
  assert.equal(writeDate("2026-11-30", "en", now, { weekday: true }), "Mon 30 Nov");
  assert.equal(writeDate("2026-11-29T16:30:00Z", "zh", now, { time: true }), "11月30日 00:30");
  assert.equal(writeDate("nonsense", "zh", now), "");
});

test("writes the year only when it is another one", () => {
  assert.equal(writeDate("2027-01-08T01:30:00Z", "zh", now, { time: true }), "2027年1月8日 09:30");
  assert.equal(writeDate("2027-01-08", "en", now), "8 Jan 2027");
  assert.equal(writeDate("2026-12-31T16:00:00Z", "zh", now), "2027年1月1日");
});

test("writes clocks, months and spans", () => {
  assert.equal(writeTime("2026-11-25T01:28:00Z"), "09:28");
  assert.equal(writeMonth("2027-03", "zh"), "2027年3月");
  assert.equal(writeMonth("2027-03-01", "en"), "Mar 2027");
  assert.equal(writeSpan("2027-01", "2028-06"), "2027.01–2028.06");
});

test("knows when the viewer's clock shows something else", () => {
  assert.ok(differs(new Date(due), "Europe/Berlin"));
  assert.ok(!differs(new Date(due), "Asia/Shanghai"));
  assert.ok(!differs(new Date(due), "Asia/Singapore"));
});

test("splits what is left by instants alone", () => {
  const left = remaining(Date.parse(due), now);
  assert.deepEqual(left, { days: 5, hours: 6, minutes: 0, over: false });
  assert.ok(remaining(now, now).over);
});

test("money goes from 万元 to fen and back without a rounding", () => {
  for (const [typed, fen] of [
    ["20", 20_000_000],
    ["20.00", 20_000_000],
    ["0.000001", 1],
    ["１２．５", 12_500_000],
    ["1,234.5", 1_234_500_000],
    ["12.", 12_000_000],
  ] as const) {
    assert.equal(readMoney(typed), fen, typed);
  }
  for (const typed of ["", "-1", "1.2345678", "十二", "1e3", ".5"]) assert.equal(readMoney(typed), null, typed);
  for (const fen of [0, 1, 99, 12_500_000, 123_456_789_012]) assert.equal(readMoney(moneyText(fen)), fen);
  assert.equal(moneyText(null), "");
  assert.equal(writeMoney(20_000_000, "zh"), "20.00");
  assert.equal(writeMoney(12_345_678_900, "zh"), "12,345.6789");
  assert.equal(writeMoney("20000000", "en"), "200,000.00");
});

test("brings codes to their plain form", () => {
  assert.equal(narrow(" ＡＢ１２－３\u200b "), "AB12-3");
});

test("fills a sentence once: what is put in is text", () => {
  assert.equal(fill("{a} 和 {b}", { a: "{b}", b: "2" }), "{b} 和 2");
  assert.equal(fill("{a} {missing}", { a: 1 }), "1 {missing}");
  assert.equal(fill("{constructor}", {}), "{constructor}");
});

test("chooses the plural of English only", () => {
  const en = { days_one: "{count} day", days_other: "{count} days", plain: "x" };
  assert.equal(choose(en, "days", "en", 1), "{count} day");
  assert.equal(choose(en, "days", "en", 0), "{count} days");
  assert.equal(choose({ days: "{count} 天" }, "days", "zh", 1), "{count} 天");
  assert.equal(choose(en, "none", "en"), undefined);
});
