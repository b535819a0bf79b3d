/** Text that the server gives in both languages, and titles that may exist in one only. */
import { langTag, language } from "./i18n.svelte";

export interface Both {
  zh: string;
  en: string;
}

/** Return the text in the language of the page, or in the other one where it is missing. */
export function said(text: Both): string {
  return text[language()] || text[language() === "zh" ? "en" : "zh"];
}

/** Return the short name where there is one, else the name. */
export function shortOf(thing: { name: Both; short?: Both | null }): string {
  return said(thing.short ?? thing.name);
}

/** Return a title as one unit, with the language it is in: never blank, never a mixture. */
export function titleOf(thing: { title: string; title_en?: string | null }): { text: string; lang: string } {
  const english = thing.title_en ?? "";
  const text = (language() === "en" && english) || thing.title || english;
  return { text, lang: text === english && english !== "" ? "en" : "zh-CN" };
}

/** Return the `lang` of a name that exists in both languages, as `said` chose it. */
export function saidLang(text: Both): string | undefined {
  return text[language()] ? undefined : langTag(language() === "zh" ? "en" : "zh");
}
