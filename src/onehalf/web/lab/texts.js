/** The languages of the page. */

import { CHINESE } from "./chinese.js";
import { ENGLISH } from "./english.js";

export const LANGUAGES = { en: ENGLISH, zh: CHINESE };
