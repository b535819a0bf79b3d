/** Autosave joined to the page: the person of the session, coming back online, signing in again. */
import { onDestroy } from "svelte";

import { hooks } from "./api/client";
import { Autosave, type Options } from "./autosave.svelte";
import { router } from "./navigation.svelte";
import { session } from "./session.svelte";

/** What is being written on the open page, and what a page that closed has not delivered yet. */
const open = new Set<Pick<Autosave<unknown>, "flush" | "underway" | "dirty" | "state">>();

/** Send what is typed and not sent; resolves when each try is over, whatever became of it. */
export async function delivered(): Promise<void> {
  const sendable = [...open].filter((save) => save.dirty && ["idle", "saving", "saved"].includes(save.state));
  await Promise.all(sendable.map((save) => save.flush()));
}

// A page reads what was typed before it; an act is done on what was typed before it.
hooks.typed = (act) => {
  if (open.size === 0) return null;
  return act ? delivered() : Promise.all([...open].map((save) => save.underway));
};

/**
 * Make the autosave of a section while a page is set up. It restores what the device kept, tries
 * again when the network or the person is back, and delivers what is waiting when the page closes.
 */
export function autosave<T>(options: Omit<Options<T>, "person">): Autosave<T> {
  const save = new Autosave({ ...options, person: session.person?.id ?? "nobody" });
  const retry = () => save.retry();
  open.add(save);
  window.addEventListener("online", retry);
  const ends = [
    session.onReturn(retry),
    // Leaving is free while the text is on its way; it is asked about where it cannot be sent.
    router.guard(() => save.dirty && ["conflict", "refused"].includes(save.state)),
    () => window.removeEventListener("online", retry),
    () => void save.close().finally(() => open.delete(save)),
  ];
  onDestroy(() => {
    for (const end of ends) end();
  });
  // What cannot be delivered before a new sign-in asks for it: once, over the page.
  $effect(() => {
    if (save.state === "expired") void session.expired();
  });
  void save.restore();
  return save;
}
