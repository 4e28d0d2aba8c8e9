import { describe, expect, it } from "vitest";
import { LANGUAGES } from "../src/i18n";

const files = import.meta.glob<Record<string, Record<string, string>>>("../src/i18n/texts/*.json", {
  import: "default",
  eager: true,
});
const catalogue = Object.entries(files).flatMap(([, texts]) => Object.entries(texts));
const placeholders = (text = "") => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))].sort();
const english = new Map(catalogue.map(([key, texts]) => [key, texts.en ?? ""]));

describe("the texts", () => {
  it("has each text in every language, about the same things", () => {
    expect(catalogue.length).toBeGreaterThan(400);
    for (const [key, texts] of catalogue) {
      expect(Object.keys(texts).sort(), key).toEqual(Object.keys(LANGUAGES).sort());
      for (const [language, text] of Object.entries(texts)) {
        expect(text.trim(), `${key} in ${language}`).not.toBe("");
        expect(placeholders(text), `${key} in ${language}`).toEqual(placeholders(texts.en));
        expect(text, `${key} in ${language}: lib/format writes per cent as the language does`).not.toContain("%");
      }
    }
  });
});

describe("the page", () => {
  const sources = import.meta.glob<string>(["../src/**/*.{ts,vue}", "!../src/api/types.ts"], {
    query: "?raw",
    import: "default",
    eager: true,
  });
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
