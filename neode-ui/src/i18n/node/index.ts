// What the node itself says (errors, steps, findings …) comes in English, with the template and parameters that it was made of.
// Translations are found by the template, and are those of the node; messages.json lists all of them.
import { shallowRef } from "vue";
import type { Message } from "../../api/types";

/** Template -> translation. */
type Catalogue = ReadonlyMap<string, string>;
/** Something that the node says, with the messages of its texts by field. */
export type Spoken<Field extends string> = { [field in Field]: unknown } & { messages?: Record<string, Message> };

const loaders: Record<string, () => Promise<{ default: Record<string, string> }>> = {
  de: () => import("../../../../src/archipelago/support/texts/translations/de.json"),
  es: () => import("../../../../src/archipelago/support/texts/translations/es.json"),
  fr: () => import("../../../../src/archipelago/support/texts/translations/fr.json"),
  ja: () => import("../../../../src/archipelago/support/texts/translations/ja.json"),
  pt: () => import("../../../../src/archipelago/support/texts/translations/pt.json"),
};
const loaded = new Map<string, Catalogue>([["en", new Map()]]);
const catalogue = shallowRef<Catalogue>(new Map());

/** Fetches the translations of a language the first time; `use` has them shown. */
export async function load(language: string): Promise<{ use: () => void }> {
  const found = loaded.get(language) ?? new Map(Object.entries((await loaders[language]?.())?.default ?? {}));
  loaded.set(language, found);
  return { use: () => (catalogue.value = found) };
}

/** Returns a text of the node in the page's language; in English where there is no translation of it. */
export function words(text: string, message?: Message): string {
  const known = catalogue.value;
  if (!message) return known.get(text) ?? text;
  const filled = (whole: string, name: string): string => {
    const value = message.parameters[name];
    if (value === undefined) return whole;
    if (typeof value !== "string") return words("", value);
    // A sentence of a manifest may be a parameter; a single word is a name.
    return value.includes(" ") ? words(value) : value;
  };
  return (known.get(message.key) ?? message.key).replaceAll(/\{(\w+)\}/g, filled);
}

/** Returns the text of a field of what the node says. */
export const said = <Field extends string>(spoken: Spoken<Field>, field: Field): string =>
  words(String(spoken[field]), spoken.messages?.[field]);

/** Returns the texts of a field that is a list of them. */
export function allSaid<Field extends string>(
  spoken: { [field in Field]: string[] } & { messages?: Record<string, Message> },
  field: Field,
): string[] {
  return spoken[field].map((text, at) => words(text, spoken.messages?.[`${field}.${at}`]));
}
