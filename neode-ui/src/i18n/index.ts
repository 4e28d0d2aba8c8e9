import { createI18n } from "vue-i18n";
import en from "virtual:texts/en";
import { load } from "./node";

export const LANGUAGES = {
  en: "English",
  de: "Deutsch",
  es: "Español",
  fr: "Français",
  ja: "日本語",
  pt: "Português",
} as const;
export type Language = keyof typeof LANGUAGES;
type Messages = typeof en;
const KEY = "archipelago-language";
const loaders: Record<Exclude<Language, "en">, () => Promise<{ default: Messages }>> = {
  de: () => import("virtual:texts/de"),
  es: () => import("virtual:texts/es"),
  fr: () => import("virtual:texts/fr"),
  ja: () => import("virtual:texts/ja"),
  pt: () => import("virtual:texts/pt"),
};

export const i18n = createI18n({
  legacy: false,
  locale: "en" as Language,
  fallbackLocale: "en",
  messages: { en } as Record<Language, Messages>,
});

/** Shows another language from now on; its messages are fetched the first time. */
export async function speak(language: Language): Promise<void> {
  if (language !== "en" && !i18n.global.availableLocales.includes(language)) {
    i18n.global.setLocaleMessage(language, (await loaders[language]()).default);
  }
  (await load(language)).use();
  i18n.global.locale.value = language;
  document.documentElement.lang = language;
}

/** Shows a language that somebody chose, and does so in this browser from now on. */
export async function choose(language: Language): Promise<void> {
  await speak(language);
  localStorage.setItem(KEY, language);
}

/** Returns the language that was chosen, or that the browser asks for. */
export function preferred(): Language {
  const wanted = [localStorage.getItem(KEY), ...navigator.languages.map((each) => each.slice(0, 2))];
  return (wanted.find((each) => each !== null && each in LANGUAGES) as Language | undefined) ?? "en";
}
