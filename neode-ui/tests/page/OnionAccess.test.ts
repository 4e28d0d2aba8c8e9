import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import AppAccess from "../../src/components/app/AppAccess.vue";
import { webAddress } from "../../src/lib/endpoints";
import { endpoint, status } from "../samples";
import { answering, paramsOf, Refusal } from "../standIn";
import { begin, mounted, words } from "./mounted";
import { until } from "../until";

afterEach(() => vi.unstubAllGlobals());

const NAME = `${"a".repeat(56)}.onion`;
const page = endpoint({ label: "Mempool" });
const reached = endpoint({ ...page, tor: "clients", onion: `http://${NAME}/` });
const key = (value: string) => ({ address: `http://${NAME}/`, key: value, line: `x:descriptor:x25519:${value}` });

const theSwitch = (card: VueWrapper) => card.get(`[aria-label="${words("onion.switch", { name: "Mempool" })}"]`);
const buttonOf = (card: VueWrapper, text: string) => card.findAll("button").find((one) => one.text() === words(text));

describe("the way to an app through Tor", () => {
  it("is switched on, shows its address, and is switched off again", async () => {
    begin("administer");
    const asked = answering({
      "secret-list": () => [],
      "onion-set": ({ access }) => (access === "off" ? page : reached),
    });
    const { page: card } = await mounted(AppAccess, { status: status({ app: "mempool", endpoints: [page] }) });
    expect(theSwitch(card).attributes("aria-checked")).toBe("false");
    await theSwitch(card).trigger("click");
    await flushPromises();
    expect(card.text()).toContain(NAME);
    await theSwitch(card).trigger("click");
    await flushPromises();
    expect(card.text()).not.toContain(NAME);
    expect(paramsOf(asked, "onion-set")).toEqual([
      { app: "mempool", endpoint: "web", access: "clients" },
      { app: "mempool", endpoint: "web", access: "off" },
    ]);
  });

  it("shows the key of its clients only when asked, and replaces it only when agreed", async () => {
    begin("administer");
    const asked = answering({
      "secret-list": () => [],
      "onion-key": () => key("OLDKEY"),
      "onion-key-renew": () => key("NEWKEY"),
    });
    const { page: card } = await mounted(AppAccess, { status: status({ app: "mempool", endpoints: [reached] }) });
    expect(card.text()).not.toContain("OLDKEY");
    await buttonOf(card, "onion.key")?.trigger("click");
    await flushPromises();
    expect(card.text()).toContain("OLDKEY");
    expect(card.find("svg[role=img]").exists()).toBe(true);
    await buttonOf(card, "onion.renew")?.trigger("click");
    await until(() => expect(document.querySelector("[role=alertdialog]")).not.toBeNull());
    expect(paramsOf(asked, "onion-key-renew")).toEqual([]);
    const dialog = document.querySelector<HTMLElement>("[role=alertdialog]");
    [...(dialog?.querySelectorAll("button") ?? [])].find((one) => one.textContent === words("onion.renew"))?.click();
    await flushPromises();
    expect(card.text()).toContain("NEWKEY");
    expect(card.text()).not.toContain("OLDKEY");
  });

  it("says what is refused, and is not there for who does not rule the node", async () => {
    begin("administer");
    answering({ "secret-list": () => [], "onion-set": () => Promise.reject(new Refusal("busy", "not now")) });
    const { page: card } = await mounted(AppAccess, { status: status({ endpoints: [page] }) });
    await theSwitch(card).trigger("click");
    await flushPromises();
    expect(card.get("[role=alert]").text()).toContain("not now");
    begin("manage");
    const { page: others } = await mounted(AppAccess, { status: status({ endpoints: [reached] }) });
    expect(others.find("[role=switch]").exists()).toBe(false);
    expect(others.text()).toContain(NAME);
  });

  it("is the only one that leads anywhere for who looks at the node through Tor", () => {
    const here = { hostname: `${"b".repeat(56)}.onion` };
    const everywhere = {
      ...reached,
      site: "http://mempool.localhost:8481/",
      local_addresses: ["https://192.168.1.5:1/"],
    };
    expect(webAddress([everywhere], here)).toBe(`http://${NAME}/`);
    expect(webAddress([{ ...everywhere, onion: null }], here)).toBeUndefined();
  });
});
