import { afterEach, describe, expect, it } from "vitest";
import { allSaid, load, said, words } from "../src/i18n/node";
import de from "../../src/archipelago/support/texts/translations/de.json";
import es from "../../src/archipelago/support/texts/translations/es.json";
import fr from "../../src/archipelago/support/texts/translations/fr.json";
import ja from "../../src/archipelago/support/texts/translations/ja.json";
import pt from "../../src/archipelago/support/texts/translations/pt.json";
import messages from "../src/i18n/node/messages.json";

const placeholders = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))].sort();

describe.each([
  ["de", de],
  ["es", es],
  ["fr", fr],
  ["ja", ja],
  ["pt", pt],
])("%s", (_, translations: Record<string, string>) => {
  it("has every message of the node and no other one", () => {
    expect(Object.keys(translations).filter((key) => !messages.includes(key))).toEqual([]);
    expect(messages.filter((key) => !translations[key]?.trim())).toEqual([]);
  });

  it("says the same parameters", () => {
    const different = Object.entries(translations).filter(
      ([key, text]) => placeholders(key).join() !== placeholders(text).join(),
    );
    expect(different).toEqual([]);
  });
});

describe("what the node says", () => {
  const stopped = { key: "{app} is not installed", parameters: { app: "tor" } };
  afterEach(async () => (await load("en")).use());

  it("stays as the node said it in English, and where there is no translation", async () => {
    expect(words("tor is not installed", stopped)).toBe("tor is not installed");
    (await load("de")).use();
    expect(words("podman: exit status 1")).toBe("podman: exit status 1");
    expect(words("tor sinks", { key: "{app} sinks", parameters: { app: "tor" } })).toBe("tor sinks");
    expect(words("constructor")).toBe("constructor");
  });

  it("is translated by its template", async () => {
    (await load("de")).use();
    expect(words("tor is not installed", stopped)).toBe("tor ist nicht installiert");
    (await load("es")).use();
    expect(words("tor is not installed", stopped)).toBe("tor no está instalada");
  });

  it("is translated within other texts", async () => {
    (await load("de")).use();
    const outer = { key: "{app} does not run: {obstacle}", parameters: { app: "electrumx", obstacle: stopped } };
    expect(words("electrumx does not run: tor is not installed", outer)).toBe(
      "electrumx läuft nicht: tor ist nicht installiert",
    );
  });

  it("puts no parameter into another one", async () => {
    (await load("de")).use();
    const odd = { key: "{app} does not run: {obstacle}", parameters: { app: "{obstacle}", obstacle: "$& {app}" } };
    expect(words("", odd)).toBe("{obstacle} läuft nicht: $& {app}");
  });

  it("is found by its field, in lists by its place", async () => {
    (await load("de")).use();
    const plan = {
      warnings: ["plain", "tor is not installed"],
      reason: "log in",
      messages: { "warnings.1": stopped, reason: { key: "log in", parameters: {} } },
    };
    expect(allSaid(plan, "warnings")).toEqual(["plain", "tor ist nicht installiert"]);
    expect(said(plan, "reason")).toBe("melde dich an");
  });

  it("has texts of the catalog, which come without a message", async () => {
    (await load("de")).use();
    expect(words("Index all transactions")).toBe("Alle Transaktionen indizieren");
    const ruled = {
      key: "{app} cannot have {wanted}: {because}",
      parameters: { app: "knots", wanted: "prune", because: "an index of all transactions needs all blocks" },
    };
    expect(words("", ruled)).toBe("knots kann prune nicht haben: ein Index aller Transaktionen braucht alle Blöcke");
  });
});
