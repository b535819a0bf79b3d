// The demo's login: one process, one OpenID provider for each demo institution, at /<slug>.
//
// The first line of standard input is the configuration as JSON; the process ends when standard input ends,
// so it can never outlive the one who started it. One line on standard output says that it answers.

import { createServer } from "node:http";
import process from "node:process";
import { createInterface } from "node:readline";

import { issuer } from "./issuer.mjs";

const HOST = "127.0.0.1";
const LARGEST_FORM = 4096;

/** Return the form of a request, or null where it is too large. */
async function form(request) {
  let text = "";
  for await (const part of request) {
    text += part;
    if (text.length > LARGEST_FORM) return null;
  }
  return new URLSearchParams(text);
}

function refuse(response, status) {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${status}\n`);
}

/** Serve every institution of `config`; issuers are made when first asked for, so the start stays short. */
function serve(config) {
  const institutions = new Map(config.institutions.map((i) => [i.slug, i]));
  const issuers = new Map();
  let base = "";

  function started(slug) {
    if (!issuers.has(slug)) {
      issuers.set(slug, issuer(institutions.get(slug), { ...config, base }));
    }
    return issuers.get(slug);
  }

  const server = createServer(async (request, response) => {
    try {
      const [, slug, rest = ""] = /^\/([a-z0-9-]+)(\/.*)?$/.exec(request.url.split("?", 1)[0]) ?? [];
      if (!institutions.has(slug)) return refuse(response, 404);
      const { answer, step } = await started(slug);
      if (rest.startsWith("/step/")) {
        const body = request.method === "POST" ? await form(request) : new URLSearchParams();
        return body ? await step(request, response, body) : refuse(response, 413);
      }
      request.originalUrl = request.url;
      request.url = request.url.slice(slug.length + 1) || "/";
      return answer(request, response);
    } catch (error) {
      console.error(error);
      return response.headersSent ? response.destroy() : refuse(response, 500);
    }
  });
  server.listen(config.port, HOST, () => {
    base = `http://${HOST}:${server.address().port}`;
    console.log(JSON.stringify({ base }));
  });
  server.on("error", (error) => {
    console.error(error.message);
    process.exit(1);
  });
}

const input = createInterface({ input: process.stdin });
input.once("line", (line) => serve(JSON.parse(line)));
input.on("close", () => process.exit(0));
