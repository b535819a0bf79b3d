import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Areas of the catalogue that every page needs, in one chunk a language. */
const everywhere: string[] = JSON.parse(readFileSync(here("src/lib/everywhere.json"), "utf8"));

/** What the first page does without. */
const PARTS =
  /\/src\/(ui\/(\w*Field|Dialog|TextArea|Count|Choice|Many|Check|Score|ErrorSummary|Combobox|SaveLine|Compare|Diff|Note|Facts|Say|Sees|Bar|Tabs|CopyText|Change|Spread)\.svelte|lib\/(amounts|drafts|count|text|graphemes|autosave|saving|diff)\b)/;

/** What every page needs. */
const CORE =
  /\/frontend\/(node_modules\/(?!.*bindings\/select)|src\/(lib\/(api\/|session|navigation|router|i18n|clock|format|ime|said|places|catalogue|terms)|ui\/(Head|Loaded|Wait|trouble|Mark|Status|Button|DataTable|Deadline|Chip|Filters|EmptyState|Steps)\b|routes))/;

const KB = 1024;
/** `first` is all the public home needs: shell, its page, the words of one language, styles. */
const BUDGET = { first: 48 * KB, page: 36 * KB, code: 200 * KB, words: 64 * KB, styles: 9 * KB };

/** Fail a build that is heavier than the budget; sizes are gzip level 9. */
function budget(): Plugin {
  return {
    name: "budget",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      const sizes = new Map<string, number>();
      const size = (name: string) => {
        const file = bundle[name];
        if (!file) return 0;
        const found = sizes.get(name) ?? gzipSync(file.type === "chunk" ? file.code : file.source, { level: 9 }).length;
        sizes.set(name, found);
        return found;
      };
      const total = (names: Iterable<string>) => [...names].reduce((sum, name) => sum + size(name), 0);
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const closure = (name: string, found = new Set<string>()): Set<string> => {
        const chunk = bundle[name];
        if (chunk?.type !== "chunk" || found.has(name)) return found;
        found.add(name);
        for (const css of chunk.viteMetadata?.importedCss ?? []) found.add(css);
        for (const other of chunk.imports) closure(other, found);
        return found;
      };
      const problems: string[] = [];
      const over = (what: string, is: number, limit: number) => {
        if (is > limit) problems.push(`${what}: ${is} bytes, budget ${limit}`);
      };

      const first = new Set<string>(["index.html"]);
      for (const chunk of chunks) {
        const home = chunk.facadeModuleId?.endsWith("/pages/public/Home.svelte");
        if (chunk.isEntry || home || chunk.name === "zh" || chunk.facadeModuleId?.endsWith("/zh/public.json")) closure(chunk.fileName, first);
      }
      over("first load", total(first), BUDGET.first);
      const shared = new Set(chunks.filter((chunk) => chunk.name === "parts").flatMap((chunk) => [...closure(chunk.fileName)]));
      over("parts", total([...shared].filter((name) => !first.has(name))), BUDGET.page);
      for (const chunk of chunks) {
        if (!chunk.facadeModuleId?.includes("/pages/")) continue;
        const own = [...closure(chunk.fileName)].filter((name) => !first.has(name) && !shared.has(name));
        over(chunk.name, total(own), BUDGET.page);
      }
      // Code and words grow for different reasons, so each has its own limit (docs/adr/0004).
      const said = (language: string) => chunks.filter((chunk) => chunk.moduleIds.some((id) => id.includes(`/catalogue/${language}/`)));
      const silent = chunks.filter((chunk) => !chunk.moduleIds.some((id) => id.includes("/catalogue/")));
      const code = total(silent.map((chunk) => chunk.fileName));
      over("all code", code, BUDGET.code);
      for (const language of ["zh", "en"]) over(`all words, ${language}`, total(said(language).map((chunk) => chunk.fileName)), BUDGET.words);
      over("styles", total(Object.keys(bundle).filter((name) => name.endsWith(".css"))), BUDGET.styles);
      const kb = (bytes: number) => (bytes / KB).toFixed(1);
      this.info(`gzip kB: first load ${kb(total(first))} in ${first.size} files, all code ${kb(code)}, words ${kb(total(said("zh").map((chunk) => chunk.fileName)))}`);
      if (problems.length > 0) this.error(problems.join("\n"));
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [svelte(), budget()],
  resolve: {
    alias: {
      $catalogue: here("../backend/lianyan/catalogue"),
      $lib: here("src/lib"),
      $ui: here("src/ui"),
    },
  },
  json: { namedExports: false },
  build: {
    outDir: "../backend/lianyan/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    // Only styles: what pages share is here or fetched early, and the lists would weigh more than they save.
    modulePreload: { polyfill: false, resolveDependencies: (_file, found) => found.filter((name) => name.endsWith(".css")) },
    manifest: "manifest.json",
    reportCompressedSize: false,
    rolldownOptions: {
      // Svelte says so itself in its package.json; the bundler keeps this one all the same.
      treeshake: { moduleSideEffects: [{ test: /svelte\/.*\/custom-element\.js$/, sideEffects: false }] },
      output: {
        codeSplitting: {
          groups: [
            ...["zh", "en"].map((language) => ({
              name: language,
              test: new RegExp(`/catalogue/${language}/(${everywhere.join("|")})\\.json$`),
            })),
            // What pages share comes in two files, not in thirty small ones.
            { name: "core", test: CORE, priority: 2 },
            { name: "parts", test: PARTS, minShareCount: 2, priority: 1 },
            // What pages of several folders read with, so that no folder brings another's file along.
            { name: "reading", test: /src\/pages\/(proposal\/(content|changes|ReasonDialog)|review\/(Paper|rubric))\b/, minShareCount: 2, priority: 1 },
            // What the pages of one folder share among themselves, in one file a folder.
            { name: (id) => /src\/pages\/(\w+)\//.exec(id)?.[1] ?? null, test: /src\/pages\/(?!status)/, minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: {
    port: 5173,
    fs: { allow: [".."] },
    proxy: { "/api": "http://127.0.0.1:8000" },
  },
});
