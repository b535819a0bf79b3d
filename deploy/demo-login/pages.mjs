// The pages a person sees: choose who you are, leave, and what went wrong. Plain forms, no script.

const WORDS = {
  zh: {
    demo: "演示登录，非真实单位",
    title: "统一身份认证",
    choose: "选择要登录的人员",
    nobody: "这个单位没有演示人员。",
    mail: "无邮箱",
    leave: "要同时退出本单位的登录吗？",
    yes: "退出",
    no: "保持登录",
    left: "已退出本单位的登录。",
    failed: "登录未完成",
    stale: "这次登录已失效，请回到平台重新开始。",
    back: "回到平台",
  },
  en: {
    demo: "Demo login, not a real institution",
    title: "Sign-in service",
    choose: "Choose who signs in",
    nobody: "This institution has no demo people.",
    mail: "no e-mail",
    leave: "Sign out of this institution as well?",
    yes: "Sign out",
    no: "Stay signed in",
    left: "You have signed out of this institution.",
    failed: "Sign-in did not finish",
    stale: "This sign-in has expired. Go back to the portal and start again.",
    back: "Back to the portal",
  },
};

const STYLE = `
:root { color-scheme: light dark; --paper: #fbfbf9; --ink: #1b2430; --muted: #55606b; --line: #d9dcd8;
  --sunk: #f3f4f0; --brand: #0b5563; --focus: #b45f06; }
@media (prefers-color-scheme: dark) { :root { --paper: #13181b; --ink: #e7e9e5; --muted: #a5b0b5;
  --line: #313a3f; --sunk: #1f262a; --brand: #79c6ce; --focus: #f2a65a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.65; font: 1rem/1.65 system-ui,
  "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", sans-serif; }
.demo { background: var(--sunk); color: var(--muted); font-size: .8125rem; padding: 3px 16px;
  border-bottom: 1px solid var(--line); }
main { max-width: 34rem; margin: 0 auto; padding: 32px 16px 64px; }
h1 { font-size: 1.5rem; line-height: 1.35; margin: 0; }
.head { border-bottom: 3px double var(--ink); padding-bottom: 12px; margin-bottom: 16px; }
.head p, small { color: var(--muted); margin: 0; }
h2 { font-size: 1rem; margin: 0 0 8px; }
ul { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line); }
li { border-bottom: 1px solid var(--line); }
button { font: inherit; color: inherit; cursor: pointer; min-height: 44px; border: 1px solid var(--muted);
  border-radius: 3px; background: none; padding: 6px 16px; margin-right: 12px; }
li button { display: flex; flex-wrap: wrap; gap: 0 12px; align-items: baseline; width: 100%; border: 0;
  border-radius: 0; padding: 8px 4px; margin: 0; text-align: left; }
li button:hover { background: var(--sunk); }
li b { color: var(--brand); text-decoration: underline; text-underline-offset: .22em;
  text-decoration-thickness: 1px; }
a { color: var(--brand); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
`;

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Return `text` as it may stand in HTML. */
export function safe(text) {
  return String(text).replace(/[&<>"']/g, (c) => ESCAPES[c]);
}

/** Return the reader's language: what the portal asked for, else what the browser prefers. */
export function locale(asked, accepted) {
  for (const tag of `${asked ?? ""} ${accepted ?? ""}`.toLowerCase().split(/[\s,;]+/)) {
    if (tag.startsWith("zh")) return "zh";
    if (tag.startsWith("en")) return "en";
  }
  return "zh";
}

/** Return the headers of every page. */
export function headers() {
  return {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}

function page(lang, institution, body) {
  const words = WORDS[lang];
  const name = institution[`name_${lang}`] ?? institution.name_zh;
  return `<!doctype html><html lang="${lang === "zh" ? "zh-CN" : "en"}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>${safe(name)} · ${words.title}</title>
<style>${STYLE}</style></head><body><div class="demo">${words.demo}</div><main>
<div class="head"><h1>${safe(name)}</h1><p>${words.title}</p></div>${body}</main></body></html>`;
}

/** Return the login page: one button for each person of the institution. */
export function choose(lang, institution, action) {
  const words = WORDS[lang];
  const rows = institution.people.map(
    (p) => `<li><button name="sub" value="${safe(p.sub)}"><b lang="zh-CN">${safe(p.name)}</b><small>${safe(
      [p.affiliation, p.email ?? words.mail].filter(Boolean).join(" · "),
    )}</small></button></li>`,
  );
  const list = rows.length
    ? `<h2>${words.choose}</h2><form method="post" action="${safe(action)}"><ul>${rows.join("")}</ul></form>`
    : `<p>${words.nobody}</p>`;
  return page(lang, institution, list);
}

/** Return the page that asks whether to end the login here too; `form` carries the provider's token. */
export function leave(lang, institution, form) {
  const words = WORDS[lang];
  return page(
    lang,
    institution,
    `<h2>${words.leave}</h2>${form}<p><button autofocus type="submit" form="op.logoutForm" name="logout"
 value="yes">${words.yes}</button><button type="submit" form="op.logoutForm">${words.no}</button></p>`,
  );
}

/** Return the page after leaving, where the portal named no address to go back to. */
export function left(lang, institution, portal) {
  const words = WORDS[lang];
  return page(lang, institution, `<h2>${words.left}</h2><p><a href="${safe(portal)}">${words.back}</a></p>`);
}

/** Return the page of a login that cannot go on. */
export function failed(lang, institution, portal, reason) {
  const words = WORDS[lang];
  return page(
    lang,
    institution,
    `<h2>${words.failed}</h2><p>${words.stale} <small>${safe(reason ?? "")}</small></p><p><a href="${safe(portal)}">${words.back}</a></p>`,
  );
}
