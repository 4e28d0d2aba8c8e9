import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import AppAccess from "../../src/components/app/AppAccess.vue";
import SetupReach from "../../src/components/SetupReach.vue";
import SystemView from "../../src/views/SystemView.vue";
import { endpoint, status } from "../samples";
import { answering, paramsOf } from "../standIn";
import { begin, button, mounted, openDialog, words } from "./mounted";

afterEach(() => vi.unstubAllGlobals());

const OPEN = {
  wanted: ["lan"],
  listening: ["192.168.1.5"],
  addresses: ["https://192.168.1.5:8480/"],
  available: ["192.168.1.5"],
  problems: [],
  endpoints: [],
  fingerprint: "AB:CD",
  authority: "",
  names: [],
  valid_until: "2036-01-01T00:00:00Z",
};
const lookedAtFrom = (hostname: string) => vi.stubGlobal("location", { hostname, pathname: "/" });

function node() {
  return answering({
    "network-status": () => OPEN,
    "network-listen": () => ({ ...OPEN, wanted: [], listening: [], addresses: [] }),
    doctor: () => [],
    "secret-list": () => [],
    "setup-done": () => ({ done: ["reach"] }),
  });
}

async function shownBy(view: typeof SystemView | typeof SetupReach): Promise<VueWrapper> {
  begin("administer");
  const { page } = await mounted(view as typeof SystemView, {});
  await flushPromises();
  return page;
}

describe("the way by which an owner is here", () => {
  it("is closed only once he has confirmed it", async () => {
    lookedAtFrom("192.168.1.5");
    const asked = node();
    const page = await shownBy(SystemView);
    await button(page, words("system.closeIt"))?.trigger("click");
    expect(paramsOf(asked, "network-listen")).toEqual([]);
    const dialog = openDialog();
    expect(dialog?.text()).toContain("network listen lan");
    await button(dialog!, words("system.closeIt"))?.trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "network-listen")).toEqual([{ addresses: [] }]);
    expect(openDialog()).toBeUndefined();
  });

  it("is closed only once he has confirmed it in the set-up, too", async () => {
    lookedAtFrom("192.168.1.5");
    const asked = node();
    const page = await shownBy(SetupReach);
    await page.get("input[value=here]").setValue();
    await page.get("form").trigger("submit");
    expect(paramsOf(asked, "network-listen")).toEqual([]);
    await button(openDialog()!, words("common.cancel"))?.trigger("click");
    expect(openDialog()).toBeUndefined();
    expect(paramsOf(asked, "network-listen")).toEqual([]);
  });

  it("is not the network on the node itself", async () => {
    lookedAtFrom("localhost");
    const asked = node();
    const page = await shownBy(SystemView);
    await button(page, words("system.closeIt"))?.trigger("click");
    await flushPromises();
    expect(openDialog()).toBeUndefined();
    expect(paramsOf(asked, "network-listen")).toEqual([{ addresses: [] }]);
  });
});

describe("an address of the node itself", () => {
  const site = "http://mempool.localhost:8481/";
  const page = endpoint({ address: "http://127.0.0.1:8080/", site, local_addresses: ["https://192.168.1.5:8080/"] });
  const links = async (): Promise<string[]> => {
    begin("administer");
    node();
    const { page: shown } = await mounted(AppAccess, { status: status({ endpoints: [page] }) });
    await flushPromises();
    return shown.findAll("a[target=_blank]").map((each) => each.attributes("href") ?? "");
  };

  it("is opened on the node, and nowhere else: it would be another machine's", async () => {
    lookedAtFrom("localhost");
    expect(await links()).toEqual([site, "https://192.168.1.5:8080/"]);
    lookedAtFrom("archipelago.local");
    expect(await links()).toEqual(["https://192.168.1.5:8080/"]);
  });
});
