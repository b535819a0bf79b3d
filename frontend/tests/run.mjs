// Bundle the tests with the build's own settings (runes, aliases, catalogue), then let node run them.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "node_modules", ".cache", "tests");
const tests = readdirSync(join(root, "tests", "unit")).filter((name) => name.endsWith(".test.ts"));

rmSync(out, { recursive: true, force: true });
await build({
  root,
  logLevel: "error",
  define: { "import.meta.env.TESTS_ROOT": JSON.stringify(root) },
  build: {
    ssr: true,
    outDir: out,
    manifest: false,
    target: "node20",
    rolldownOptions: {
      input: Object.fromEntries(tests.map((name) => [name.replace(/\.ts$/, ""), join(root, "tests", "unit", name)])),
      output: { entryFileNames: "[name].mjs", codeSplitting: true },
    },
  },
});
const files = tests.map((name) => join(out, name.replace(/\.ts$/, ".mjs")));
const { status } = spawnSync(process.execPath, ["--test", "--test-reporter=spec", ...files], { stdio: "inherit" });
process.exit(status ?? 1);
