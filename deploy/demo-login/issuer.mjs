// One issuer: a whole OpenID provider for the people of one demo institution.

import { generateKeyPair } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import Provider, { interactionPolicy } from "oidc-provider";

import * as pages from "./pages.mjs";
import { store } from "./store.mjs";

/** Return the institution's signing key, made once and kept in `folder`, so that a restart changes nothing. */
async function signingKey(folder, slug) {
  const file = join(folder, `${slug}.json`);
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid: `${slug}-1` };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, JSON.stringify(key), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return key;
}

/** Return what this provider says about a person; a person without an address has no e-mail claim. */
function claims(person) {
  const said = { sub: person.sub, name: person.name };
  if (person.affiliation) said.affiliation = person.affiliation;
  if (person.email) Object.assign(said, { email: person.email, email_verified: true });
  return { ...said, ...person.claims };
}

/** Return the login policy: a hint that names another person than the one logged in asks again. */
function policy(people) {
  const prompts = interactionPolicy.base();
  const { Check } = interactionPolicy;
  prompts.get("login").checks.add(
    new Check("another_person", "another person was asked for", ({ oidc }) => {
      const asked = oidc.params.login_hint;
      return people.has(asked) && oidc.session.accountId && oidc.session.accountId !== asked
        ? Check.REQUEST_PROMPT
        : Check.NO_NEED_TO_PROMPT;
    }),
  );
  prompts.remove("consent"); // the portal is the institution's own: nobody is asked
  return prompts;
}

/** Grant what the portal asks for: it is the institution's own client. */
async function grant({ oidc }) {
  const known = oidc.session.grantIdFor(oidc.client.clientId);
  const found = known && (await oidc.provider.Grant.find(known));
  if (found && found.accountId === oidc.session.accountId) return found;
  const made = new oidc.provider.Grant({
    clientId: oidc.client.clientId,
    accountId: oidc.session.accountId,
  });
  made.addOIDCScope("openid profile email");
  await made.save();
  return made;
}

/** Start one issuer and return what answers its requests. */
export async function issuer(institution, { base, portal, keys, secret }) {
  const { slug } = institution;
  const people = new Map(institution.people.map((p) => [p.sub, p]));
  const words = (ctx) =>
    pages.locale(ctx.oidc?.params?.ui_locales, ctx.get("accept-language"));
  const show = (ctx, html) => {
    ctx.set(pages.headers());
    ctx.body = html;
  };

  const provider = new Provider(`${base}/${slug}`, {
    adapter: store(),
    clients: [
      {
        client_id: institution.client_id,
        client_secret: institution.client_secret,
        redirect_uris: institution.redirect_uris,
        post_logout_redirect_uris: institution.post_logout_redirect_uris,
        backchannel_logout_uri: institution.backchannel_logout_uri,
        backchannel_logout_session_required: true,
        response_types: ["code"],
        grant_types: ["authorization_code"],
        token_endpoint_auth_method: "client_secret_basic",
        id_token_signed_response_alg: "RS256",
      },
    ],
    jwks: { keys: [await signingKey(keys, slug)] },
    pkce: { required: () => true },
    responseTypes: ["code"],
    scopes: ["openid", "profile", "email"],
    claims: {
      openid: ["sub"],
      profile: ["name", "affiliation"],
      email: ["email", "email_verified"],
    },
    clientAuthMethods: ["client_secret_basic", "client_secret_post"],
    cookies: {
      keys: [`${secret}|${slug}`],
      names: { session: `_login_${slug}`, interaction: `_step_${slug}`, resume: `_resume_${slug}` },
      long: { path: `/${slug}`, httpOnly: true, sameSite: "lax" },
      short: { httpOnly: true, sameSite: "lax" },
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => show(ctx, pages.leave(words(ctx), institution, form)),
        postLogoutSuccessSource: (ctx) => show(ctx, pages.left(words(ctx), institution, portal)),
      },
    },
    // The provider's own would refuse addresses of this machine, where the portal is.
    fetch: (url, { method, headers, body, redirect, signal }) =>
      globalThis.fetch(url, { method, headers, body, redirect, signal }),
    findAccount: (_, sub) =>
      people.has(sub) ? { accountId: sub, claims: () => claims(people.get(sub)) } : undefined,
    interactions: { url: (_, step) => `/${slug}/step/${step.uid}`, policy: policy(people) },
    loadExistingGrant: grant,
    renderError: (ctx, out) => show(ctx, pages.failed(words(ctx), institution, portal, out.error)),
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: 3600,
      Interaction: 3600,
      Session: 86_400,
    },
  });
  provider.on("server_error", (_, error) => console.error(error));
  const answer = provider.callback();

  /** Forget the login of the person who was there before another one logs in. */
  async function forget(details) {
    const former = await provider.Session.findByUid(details.session.uid);
    await former?.destroy();
    details.session = undefined;
    await details.save(details.exp - Math.floor(Date.now() / 1000));
  }

  /** Show the list of people, or log in the one who was asked for or chosen. */
  async function step(request, response, body) {
    const lang = pages.locale("", request.headers["accept-language"]);
    let details;
    try {
      details = await provider.interactionDetails(request, response);
    } catch {
      response.writeHead(400, pages.headers());
      response.end(pages.failed(lang, institution, portal));
      return;
    }
    const asked = request.method === "POST" ? body.get("sub") : details.params.login_hint;
    if (people.has(asked)) {
      if (details.session && details.session.accountId !== asked) await forget(details);
      await provider.interactionFinished(request, response, { login: { accountId: asked, amr: ["pwd"] } });
      return;
    }
    response.writeHead(200, pages.headers());
    response.end(
      pages.choose(
        pages.locale(details.params.ui_locales, request.headers["accept-language"]),
        institution,
        `/${slug}/step/${details.uid}`,
      ),
    );
  }

  return { answer, step };
}
