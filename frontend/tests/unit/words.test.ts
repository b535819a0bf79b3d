import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import everywhere from "$lib/everywhere.json";
import { areas } from "$lib/catalogue";
import { ROOT } from "./root";

const CATALOGUE = `${ROOT}/../backend/lianyan/catalogue`;
type Sentences = Record<string, string>;

const files = (language: string) =>
  readdirSync(`${CATALOGUE}/${language}`).filter((name) => name.endsWith(".json")).sort();
const read = (language: string, file: string) =>
  JSON.parse(readFileSync(`${CATALOGUE}/${language}/${file}`, "utf8")) as Sentences;
const base = (key: string) => key.replace(/_(one|other)$/, "");
const places = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

test("both languages have the same areas", () => {
  assert.deepEqual(files("zh"), files("en"));
});

// A file that one language lacks is the first test's to name.
for (const file of files("zh").filter((name) => files("en").includes(name))) {
  const [zh, en] = [read("zh", file), read("en", file)];

  test(`${file}: both languages have the same keys and places`, () => {
    const keys = (sentences: Sentences) => [...new Set(Object.keys(sentences).map(base))].sort();
    assert.deepEqual(keys(zh), keys(en));
    const of = (sentences: Sentences, key: string) =>
      Object.entries(sentences).filter(([other]) => base(other) === key).flatMap(([, text]) => places(text));
    for (const key of keys(zh)) {
      const [mine, theirs] = [new Set(of(zh, key)), new Set(of(en, key))];
      // English may spell out the one: "One thing needs you".
      assert.deepEqual([...mine].sort(), [...theirs].sort(), key);
    }
    for (const sentences of [zh, en]) {
      for (const key of Object.keys(sentences)) {
        assert.match(key, /^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$/, key);
        assert.ok(sentences[key]?.trim(), key);
        if (key.endsWith("_one")) assert.ok(key.replace(/_one$/, "_other") in sentences, key);
      }
    }
  });

  test(`${file}: each thing has one name`, () => {
    for (const [key, text] of Object.entries(zh)) {
      for (const [wrong, why] of WRONG_ZH) assert.doesNotMatch(text, wrong, `${key}: ${why}`);
      // Straight quotes and half-width marks beside Han do not belong in a Chinese sentence.
      assert.doesNotMatch(text, /\p{Script=Han}[,;:?!]|["']\p{Script=Han}/u, `${key}: half-width marks`);
    }
    for (const [key, text] of Object.entries(en)) {
      for (const [wrong, why] of WRONG_EN) assert.doesNotMatch(text, wrong, `${key}: ${why}`);
    }
  });
}

/** One word for each thing: product.md, section 2. */
const WRONG_ZH: readonly (readonly [RegExp, string])[] = [
  [/申请书|申请材料|申请编号|项目申请(?!人)|课题申请|提交申请/, "申报书"],
  [/盖章(?!页)/, "单位确认；盖了章的页叫盖章页"],
  [/(?<!不)同意(?!书)/, "确认"],
  [/背书/, "单位确认"],
  [/会员单位|联盟单位/, "成员单位"],
  [/评委|审稿人|评议人/, "评审专家"],
  [/利害冲突|利益相关(?!方)/, "利益冲突"],
  [/项目组成员单位/, "参加单位"],
  [/驳回/, "退回修改、退回补正或不予受理"],
  [/公布结果/, "发布结果"],
  [/合同书/, "任务书"],
  [/[您你]的申请(?!人)/, "申报书"],
  [/你/, "您"],
];
const WRONG_EN: readonly (readonly [RegExp, string])[] = [
  [/\bendors/i, "confirm for the institution"],
  [/\b(your|the|an|this|each|submit|draft|grant) applications?\b/i, "proposal"],
  [/\breferees?\b/i, "reviewer"],
  [/\bdraft(ed)? version\b/i, "version is only the frozen thing"],
];

test("every area the browser reads exists, and those of every page are in everywhere.json", () => {
  for (const [name, entry] of Object.entries(areas)) {
    assert.ok(files("zh").includes(`${name}.json`), name);
    assert.equal(entry.pages.includes("all"), everywhere.includes(name), `${name} in everywhere.json`);
  }
});
