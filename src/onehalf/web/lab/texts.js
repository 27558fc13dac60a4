/** The languages of the page. */

import { CHINESE } from "./chinese.js";
import { ENGLISH } from "./english.js";

export const LANGUAGES = { en: ENGLISH, zh: CHINESE };

/** Choose a language: the one asked for, else that of the browser, else English. */
export function chooseLanguage(wanted, browser) {
  if (wanted in LANGUAGES) return wanted;
  const short = browser.slice(0, 2);
  return short in LANGUAGES ? short : "en";
}
