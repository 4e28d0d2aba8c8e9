/**
 * Makes one module for each language, such as `virtual:texts/de`, of src/i18n/texts/*.json, where each text stands in all
 * languages side by side. A browser loads the one that it shows.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const FOLDER = fileURLToPath(new URL("../src/i18n/texts/", import.meta.url));
const PREFIX = "virtual:texts/";

interface Tree {
  [key: string]: string | Tree;
}

/** Key -> language -> text. */
type Texts = Record<string, Record<string, string>>;

function read(): Texts {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
  const all: Texts = {};
  for (const file of files) {
    const found = JSON.parse(readFileSync(FOLDER + file, "utf8")) as Texts;
    for (const [key, translations] of Object.entries(found)) {
      if (key in all) throw new Error(`${file}: "${key}" is in another file too`);
      all[key] = translations;
    }
  }
  return all;
}

/** Returns the texts of a language, nested as vue-i18n looks for them. */
function textsOf(all: Texts, language: string): Tree {
  const root: Tree = {};
  for (const [key, translations] of Object.entries(all)) {
    const text = translations[language];
    if (text === undefined) throw new Error(`"${key}" has no text in "${language}"`);
    const parts = key.split(".");
    const last = parts.pop() ?? "";
    let at = root;
    for (const part of parts) {
      const below = (at[part] ??= {});
      if (typeof below === "string") throw new Error(`"${key}" is below a key that is a text itself`);
      at = below;
    }
    at[last] = text;
  }
  return root;
}

export function texts(): Plugin {
  return {
    name: "archipelago-texts",
    resolveId: (id) => (id.startsWith(PREFIX) ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith(`\0${PREFIX}`)) return undefined;
      for (const name of readdirSync(FOLDER)) this.addWatchFile(FOLDER + name);
      return `export default ${JSON.stringify(textsOf(read(), id.slice(PREFIX.length + 1)))}`;
    },
  };
}
