import { mount } from "svelte";

import App from "./App.svelte";
import { firstLanguage, loadFor, speak } from "./lib/i18n.svelte";
import { listen } from "./lib/navigation.svelte";
import { session } from "./lib/session.svelte";
import "./styles/index.css";

async function start(): Promise<void> {
  const target = document.getElementById("app");
  if (!target) throw new Error("index.html has no #app");
  await speak(firstLanguage());
  await loadFor("all");
  listen();
  mount(App, { target });
  try {
    await session.start();
    await session.follow();
  } catch {
    // The page says what it can; each request of its own tells what is wrong.
    session.known = true;
  }
}

void start();
