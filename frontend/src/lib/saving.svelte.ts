/** Autosave joined to the page: the person of the session, coming back online, signing in again. */
import { onDestroy } from "svelte";

import { Autosave, type Options } from "./autosave.svelte";
import { router } from "./navigation.svelte";
import { session } from "./session.svelte";

/**
 * Make the autosave of a section while a page is set up. It restores what the device kept, tries
 * again when the network or the person is back, and delivers what is waiting when the page closes.
 */
export function autosave<T>(options: Omit<Options<T>, "person">): Autosave<T> {
  const save = new Autosave({ ...options, person: session.person?.id ?? "nobody" });
  const retry = () => save.retry();
  window.addEventListener("online", retry);
  const ends = [
    session.onReturn(retry),
    // Leaving is free while the text is on its way; it is asked about where it cannot be sent.
    router.guard(() => save.dirty && ["conflict", "refused"].includes(save.state)),
    () => window.removeEventListener("online", retry),
    () => save.close(),
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
