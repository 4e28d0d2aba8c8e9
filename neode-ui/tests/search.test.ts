import { describe, expect, it } from "vitest";
import { finder, type Entry } from "../src/lib/search/entry";

const entry = (group: Entry["group"], text: string, hint = "", words = ""): Entry => ({
  id: `${group} ${text}`,
  group,
  text,
  hint,
  words,
});
const ENTRIES = [
  entry("app", "Bitcoin Knots", "Running"),
  entry("app", "Nostr relay", "Running"),
  entry("place", "System"),
  entry("setting", "Second factor", "Security", "totp authenticator 2fa"),
  entry("action", "Restart Bitcoin Knots"),
  entry("help", "Recovery words", "Logins and recovery"),
  ...Array.from({ length: 20 }, (_, at) => entry("operation", `Install number ${at}`)),
];
const texts = (text: string): string[] => finder(ENTRIES)(text).map((one) => one.text);

describe("finder", () => {
  it("finds by parts, by other words, without accents and with typing errors", () => {
    expect(texts("knots")).toEqual(["Bitcoin Knots", "Restart Bitcoin Knots"]);
    expect(texts("2fa")).toContain("Second factor");
    expect(texts("bitconi")[0]).toBe("Bitcoin Knots");
    expect(texts("récovery")).toContain("Recovery words");
    expect(texts("zzzzzz")).toEqual([]);
  });
  it("shows some of each group, and places and apps before anything is typed", () => {
    expect(texts("install")).toHaveLength(6);
    expect(texts("  ")).toEqual(["Bitcoin Knots", "Nostr relay", "System"]);
  });
});
