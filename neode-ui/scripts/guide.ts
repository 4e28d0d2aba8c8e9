/**
 * Lists the pages of docs/guide, with their headings, as the module `virtual:guide`: the search knows them without fetching
 * the pages themselves.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { headingsOf, titleOf } from "../src/lib/guide/headings.ts";

const FOLDER = fileURLToPath(new URL("../../docs/guide/", import.meta.url));
const NAME = "virtual:guide";
/** The order in which they are read. */
const ORDER = ["start", "apps", "access", "logins", "bitcoin", "data", "notices", "trouble"];

export function guide(): Plugin {
  return {
    name: "archipelago-guide",
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load(id) {
      if (id !== `\0${NAME}`) return undefined;
      const found = readdirSync(FOLDER)
        .filter((name) => name.endsWith(".md"))
        .map((name) => name.slice(0, -3));
      const pages = found
        .sort((one, other) => ORDER.indexOf(one) - ORDER.indexOf(other))
        .map((page) => {
          const text = readFileSync(`${FOLDER}${page}.md`, "utf8");
          this.addWatchFile(`${FOLDER}${page}.md`);
          return { page, title: titleOf(text), headings: headingsOf(text) };
        });
      return `export default ${JSON.stringify(pages)}`;
    },
  };
}
