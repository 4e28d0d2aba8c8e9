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

describe("the page", () => {
  const sources = import.meta.glob<string>(
    ["../src/**/*.{ts,vue}", "!../src/i18n/{de,en,es}.ts", "!../src/api/types.ts"],
    {
      query: "?raw",
      import: "default",
      eager: true,
    },
  );
  const source = Object.values(sources).join("\n");
  const sections = new Set([...english.keys()].map((key) => key.split(".")[0]));
  const calls = [...source.matchAll(/(?<![\w.])t\(\s*(["'`])([^"'`]+)\1/g)].map((match) => match[2] ?? "");
  /** Keys that are given to `t`, or handed on as data, such as "notice.disk"; what comes right after `=` is code in a template. */
  const literals = [...source.matchAll(/(?<!=)["'`]([\w-]+(?:\.[\w-]+)+)["'`]/g)].map((match) => match[1] ?? "");
  /** `state.${one.state}` stands for all keys that look like it. */
  const patterns = [...source.matchAll(/`([\w-]+\.(?:[\w.-]|\$\{[^`}]*\})*)`/g)]
    .map((match) => match[1] ?? "")
    .filter((text) => text.includes("${"))
    .map((text) => new RegExp(`^${text.replaceAll(".", "\\.").replace(/\$\{[^}]*\}/g, "[\\w-]+")}$`));

  it("is searched where its sources are", () => {
    expect(Object.keys(sources).length).toBeGreaterThan(50);
    expect(calls).toContain("nav.skip");
    expect(literals).toContain("notice.disk");
  });

  it("says nothing that has no words", () => {
    const asked = new Set([
      ...calls.filter((key) => !key.includes("${")),
      ...literals.filter((key) => sections.has(key.split(".")[0])),
    ]);
    expect([...asked].filter((key) => !english.has(key))).toEqual([]);
    expect(patterns.filter((pattern) => ![...english.keys()].some((key) => pattern.test(key))).map(String)).toEqual([]);
  });

  it("says everything for which there are words", () => {
    const said = new Set([...calls, ...literals]);
    const unsaid = [...english.keys()].filter(
      (key) => !said.has(key) && !patterns.some((pattern) => pattern.test(key)),
    );
    expect(unsaid).toEqual([]);
  });
});
