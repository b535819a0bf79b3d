import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Areas of the catalogue that every page needs, in one chunk a language. */
const everywhere: string[] = JSON.parse(readFileSync(here("src/lib/everywhere.json"), "utf8"));

const KB = 1024;
const BUDGET = { first: 45 * KB, page: 20 * KB, scripts: 150 * KB, styles: 8 * KB };

/** Fail a build that is heavier than the budget; sizes are gzip level 9. */
function budget(): Plugin {
  return {
    name: "budget",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      const size = (code: string | Uint8Array) => gzipSync(code, { level: 9 }).length;
      const problems: string[] = [];
      let first = 0;
      let scripts = 0;
      const over = (what: string, is: number, limit: number) => {
        if (is > limit) problems.push(`${what}: ${is} bytes, budget ${limit}`);
      };
      for (const [name, file] of Object.entries(bundle)) {
        if (file.type === "asset") {
          if (name.endsWith(".css")) over(name, size(file.source), BUDGET.styles);
          if (name.includes("index") && /\.(css|html)$/.test(name)) first += size(file.source);
          continue;
        }
        const bytes = size(file.code);
        const messages = /^assets\/(zh|en)-/.test(name);
        if (!(messages && name.startsWith("assets/en-"))) scripts += bytes;
        if (file.isEntry || name.startsWith("assets/zh-")) first += bytes;
        else if (file.isDynamicEntry) over(name, bytes, BUDGET.page);
        for (const shared of file.isEntry ? file.imports : []) {
          const chunk = bundle[shared];
          if (chunk?.type === "chunk") first += size(chunk.code);
        }
      }
      over("first load", first, BUDGET.first);
      over("all scripts of one language", scripts, BUDGET.scripts);
      this.info(`first load ${(first / KB).toFixed(1)} kB, all scripts ${(scripts / KB).toFixed(1)} kB (gzip)`);
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
    modulePreload: { polyfill: false },
    manifest: "manifest.json",
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: ["zh", "en"].map((language) => ({
            name: language,
            test: new RegExp(`/catalogue/${language}/(${everywhere.join("|")})\\.json$`),
          })),
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
