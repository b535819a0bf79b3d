/** The one router of the page, bound to the browser. */
import { tick, untrack } from "svelte";

import { routes } from "../routes";
import { t } from "./i18n.svelte";
import { Router } from "./router.svelte";

export const router = new Router(routes, {
  base: new URL(".", document.baseURI).pathname,
  origin: location.origin,
  url: () => new URL(location.href),
  history,
  scrollY: () => window.scrollY,
  scrollTo: (y) => window.scrollTo(0, y),
});

let spoken = $state("");

/** What the live region says now. */
export function announced(): string {
  return spoken;
}

/** Have a screen reader say `text`. */
export function announce(text: string): void {
  spoken = "";
  void tick().then(() => {
    spoken = text;
  });
}

/** Start listening: links, back and forward, scroll, and closing the window. */
export function listen(): void {
  history.scrollRestoration = "manual";
  document.addEventListener("click", followed);
  window.addEventListener("popstate", (event) => router.popped(event.state));
  window.addEventListener("pagehide", () => router.keepScroll());
  let still: ReturnType<typeof setTimeout> | undefined;
  window.addEventListener("scroll", () => {
    clearTimeout(still);
    still = setTimeout(() => router.keepScroll(), 200);
  }, { passive: true });
  window.addEventListener("beforeunload", (event) => {
    if (router.unsaved) event.preventDefault();
  });
}

function followed(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const href = link?.getAttribute("href");
  if (!link || !href || link.target || link.hasAttribute("download")) return;
  if (href.startsWith("#")) {
    event.preventDefault();
    reveal(href.slice(1));
    return;
  }
  const url = new URL(link.href);
  const path = router.inside(url);
  if (path === null || link.rel.includes("external")) return;
  event.preventDefault();
  router.navigate(path + url.search + url.hash);
}

/** Bring the element with this id into view and give it the focus. */
export function reveal(id: string): boolean {
  const target = document.getElementById(decodeURIComponent(id));
  if (!target) return false;
  if (!target.matches("a[href], button, input, select, textarea, [tabindex]")) target.tabIndex = -1;
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: "start" });
  return true;
}

/**
 * Attach to the h1 of a page: it gives the page its title, and after a move takes the focus.
 * `<h1 {@attach heading(title)}>`; `Head` does it for most pages.
 */
export function heading(title: string): (node: HTMLElement) => void {
  return (node) => {
    router.title = title;
    node.tabIndex = -1;
    const { moved, y } = router.arrive();
    const anchor = untrack(() => router.hash).slice(1);
    if (moved) {
      node.focus({ preventScroll: true });
      announce(title);
      if (y === null && !anchor) window.scrollTo(0, 0);
    }
    if (y !== null) void restore(y);
    else if (anchor && !anchor.includes("=")) void tick().then(() => reveal(anchor));
  };
}

/** Scroll to where the person was, as soon as the page is that tall; a scroll of theirs ends the wait. */
async function restore(y: number): Promise<void> {
  let touched = false;
  const stop = () => {
    touched = true;
  };
  for (const kind of ["wheel", "touchstart", "keydown"]) window.addEventListener(kind, stop, { once: true, passive: true });
  for (let frame = 0; frame < 90 && !touched; frame += 1) {
    if (document.documentElement.scrollHeight >= y + window.innerHeight) break;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  if (!touched) window.scrollTo(0, y);
}

/** The title of the browser's tab. */
export function tabTitle(): string {
  return router.title ? `${router.title} · ${t("app.name")}` : t("app.name");
}
