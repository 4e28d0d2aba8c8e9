import { describe, expect, it } from "vitest";
import de from "../src/i18n/de";
import en from "../src/i18n/en";
import es from "../src/i18n/es";

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") found.set(`${path}${key}`, value);
    else for (const [below, text] of flat(value, `${path}${key}.`)) found.set(below, text);
  }
  return found;
}

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
const english = flat(en);

describe.each([
  ["de", flat(de)],
  ["es", flat(es)],
])("%s", (_, messages) => {
  it("says everything that English says, about the same things", () => {
    expect([...messages.keys()]).toEqual([...english.keys()]);
    for (const [key, text] of english) expect(placeholders(messages.get(key) ?? ""), key).toEqual(placeholders(text));
    for (const [key, text] of messages) expect(text.trim(), key).not.toBe("");
  });
});
