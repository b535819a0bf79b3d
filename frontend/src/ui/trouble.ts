/** What is not part of the first load but must be here before the network is gone. */
import { loadAreas } from "$lib/i18n.svelte";

/** The page of what went wrong, with its words. */
export async function trouble() {
  const [file] = await Promise.all([import("../pages/status/Trouble.svelte"), loadAreas(["trouble"])]);
  return file.default;
}

/** The dialogs of the shell, with their words. */
export async function dialogs() {
  const [file] = await Promise.all([import("../Dialogs.svelte"), loadAreas(["dialogs"])]);
  return file.default;
}
