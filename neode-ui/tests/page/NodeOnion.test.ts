import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { OnionsView } from "../../src/api/types";
import NodeOnion from "../../src/components/NodeOnion.vue";
import { answering, paramsOf } from "../standIn";
import { begin, mounted, words } from "./mounted";

afterEach(() => vi.unstubAllGlobals());

const NAME = `${"b".repeat(56)}.onion`;
const onions = (given: Partial<OnionsView> = {}): OnionsView => ({
  tor: "tor",
  progress: 100,
  node: false,
  endpoints: [],
  problems: [],
  ...given,
});
const key = (value: string) => ({ address: `http://${NAME}/`, key: value, line: `x:descriptor:x25519:${value}` });
const theSwitch = (card: VueWrapper) => card.get("[role=switch]");
const buttonOf = (card: VueWrapper, text: string) => card.findAll("button").find((one) => one.text() === words(text));

async function shown(first: Partial<OnionsView>) {
  begin("administer");
  let now = onions(first);
  const asked = answering({
    "onion-status": () => now,
    "onion-node-set": ({ on }) => (now = onions({ ...first, node: on as boolean })),
    "onion-node-key": () => key("OLDKEY"),
    "onion-node-key-renew": () => key("NEWKEY"),
  });
  const { page } = await mounted(NodeOnion, {});
  await flushPromises();
  return { card: page, asked };
}

describe("the node's own page through Tor", () => {
  it("is switched on and off, and shows address and key only when asked", async () => {
    const { card, asked } = await shown({});
    expect(buttonOf(card, "onion.address")).toBeUndefined();
    await theSwitch(card).trigger("click");
    await flushPromises();
    expect(theSwitch(card).attributes("aria-checked")).toBe("true");
    expect(card.text()).not.toContain(NAME);
    await buttonOf(card, "onion.address")?.trigger("click");
    await flushPromises();
    expect(card.text()).toContain(NAME);
    expect(card.text()).toContain("OLDKEY");
    await theSwitch(card).trigger("click");
    await flushPromises();
    expect(card.text()).not.toContain("OLDKEY");
    expect(paramsOf(asked, "onion-node-set")).toEqual([{ on: true }, { on: false }]);
  });

  it("leads to the app Tor where none runs, and cannot be switched on then", async () => {
    const { card } = await shown({ tor: null, progress: null });
    expect(theSwitch(card).attributes("disabled")).toBeDefined();
    expect(card.get("a").attributes("href")).toBe("/store/tor");
  });

  it("says how far Tor has connected, and what does not work", async () => {
    const { card } = await shown({ node: true, progress: 45, problems: ["Tor gives no answer"] });
    expect(card.text()).toContain("45");
    expect(card.text()).toContain("Tor gives no answer");
  });
});
