import { describe, expect, it } from "vitest";
import { matching, missing, shelves } from "../src/lib/shelves";
import { entry } from "./samples";

const app = (name: string, category: string, installed: string | null = null) =>
  entry({ app: name.toLowerCase(), name, category, installed });

describe("the store", () => {
  it("has a shelf for each category with several apps, and one for the others", () => {
    const all = [app("Tor", "network"), app("LND", "lightning"), app("Relay", "nostr"), app("Eclair", "lightning")];
    expect(shelves(all).map((one) => [one.category, one.entries.map(({ name }) => name)])).toEqual([
      ["lightning", ["Eclair", "LND"]],
      ["", ["Relay", "Tor"]],
    ]);
    expect(shelves([])).toEqual([]);
  });

  it("shows first what is new, and last what is broken", () => {
    const broken = { ...app("Aaa", "x"), problem: "no id" };
    const [shelf] = shelves([broken, app("Bbb", "x", "1.0"), app("Ccc", "x")]);
    expect(shelf?.entries.map((one) => one.name)).toEqual(["Ccc", "Bbb", "Aaa"]);
  });

  it("finds an app by all words of a text, wherever they are", () => {
    const one = entry({ app: "electrumx", name: "ElectrumX", summary: "Connect wallets", description: "to your node" });
    for (const text of ["", "ELECTRUM", "wallets node", " node  electrumx "])
      expect(matching([one], text), text).toEqual([one]);
    for (const text of ["lightning", "wallets mars"]) expect(matching([one], text), text).toEqual([]);
  });
});

it("of a bundle is offered what is missing", () => {
  const bundle = { bundle: "b", name: "B", summary: "", apps: ["specter", "knots", "gone"], problem: null };
  const found = missing(bundle, [app("Knots", "bitcoin", "1"), app("Specter", "wallet")]);
  expect(found.map((one) => one.app)).toEqual(["specter"]);
});
