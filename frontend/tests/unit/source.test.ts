import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";

import { ROOT } from "./root";

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : [path];
  });
}

const sources = walk(`${ROOT}/src`)
  .filter((path) => /\.(svelte|ts|css)$/.test(path) && !path.endsWith("schema.d.ts"))
  .map((path) => ({ name: relative(ROOT, path), text: readFileSync(path, "utf8") }));

/** Look for something that no source may hold. */
function forbid(pattern: RegExp, what: string, but: (name: string) => boolean = () => false): void {
  test(what, () => {
    for (const { name, text } of sources) {
      const found = but(name) ? undefined : pattern.exec(text)?.[0];
      assert.equal(found, undefined, name);
    }
  });
}

forbid(/\{@html/, "nothing is put into the page as markup");
forbid(/\sstyle="/, "no literal style attribute: the policy of the page refuses it");
forbid(/#[0-9a-fA-F]{3,8}\b(?=[;\s"')])|\b(rgb|hsl|oklch)a?\(/, "no colour outside the tokens", (name) =>
  name.endsWith("tokens.css"),
);
forbid(/:\s*any\b|\bas any\b|<any>/, "no `any`");
forbid(/maxlength/i, "no maxlength: it cuts a word being composed");
forbid(/href=(["'`{]|\{`)\/(?!\/)/, "links are relative to the base, so that a portal under a path works");
forbid(/innerHTML|outerHTML|insertAdjacentHTML|document\.write/, "no markup from strings");
forbid(/console\.(log|debug)/, "nothing is left in the console");
forbid(/https?:\/\/(?!www\.w3\.org)/, "no address of a third party", (name) => name.endsWith("schema.d.ts"));
forbid(/font-style:\s*italic/, "no italics but for English", (name) => name.endsWith("base.css"));

test("every string a person reads comes from the catalogue", () => {
  for (const { name, text } of sources) {
    if (!name.endsWith(".svelte")) continue;
    const markup = text.replace(/<!--[\s\S]*?-->/g, "").replace(/<(script|style)[\s\S]*?<\/\1>/g, "");
    const han = [...markup.matchAll(/\p{Script=Han}+/gu)].map((found) => found[0]);
    // The seal in the top bar, the marks of the year and month lists, and what a language calls itself.
    const marks = name.endsWith("TopBar.svelte") ? ["联研"] : name.endsWith("MonthField.svelte") ? ["年", "月"] : [];
    const allowed = [...marks, "中文"];
    assert.deepEqual(han.filter((word) => !allowed.includes(word)), [], name);
  }
});

test("no source is longer than 400 lines", () => {
  for (const { name, text } of sources) assert.ok(text.split("\n").length <= 401, name);
});
