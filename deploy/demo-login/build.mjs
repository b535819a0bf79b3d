// Bundles the demo's login into the one file that the Python package carries.

import { appendFile, readFile, readdir } from "node:fs/promises";

import { build } from "esbuild";

const OUT = "../../backend/lianyan/demo/idp.mjs";

const { metafile } = await build({
  entryPoints: ["idp.mjs"],
  outfile: OUT,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  minifyWhitespace: true,
  minifySyntax: true,
  keepNames: true, // the provider reads the names of its classes
  legalComments: "none",
  metafile: true,
  // packages in the old module format call require, which a module of the new one has to make first
  banner: {
    js: 'import { createRequire as __makeRequire } from "node:module"; const require = __makeRequire(import.meta.url);',
  },
  logLevel: "warning",
});

// Whoever passes the bundle on passes on the licences of what is in it.
const folders = new Set(
  Object.keys(metafile.inputs).flatMap((f) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(f)?.[0] ?? []),
);
for (const folder of [...folders].sort()) {
  const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
  const texts = (await readdir(folder)).filter((f) => /^(licen[cs]e|copying)/i.test(f));
  const text = texts.length ? await readFile(`${folder}/${texts[0]}`, "utf8") : license;
  await appendFile(OUT, `\n/*\n${name} ${version}\n\n${text.replaceAll("*/", "* /").trim()}\n*/\n`);
}
