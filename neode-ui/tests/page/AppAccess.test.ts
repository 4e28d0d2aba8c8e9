import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import AppAccess from "../../src/components/app/AppAccess.vue";
import { endpoint, status } from "../samples";
import { answering, paramsOf, Refusal } from "../standIn";
import { begin, mounted, words } from "./mounted";

afterEach(() => vi.unstubAllGlobals());

const wallet = endpoint({
  name: "electrum",
  kind: "api",
  protocol: "tcp",
  label: "Electrum wallets",
  address: "tcp://127.0.0.1:50001",
});
const opened = endpoint({ ...wallet, open: true, local_addresses: ["ssl://192.168.1.5:50001"] });

describe("the switch of an endpoint", () => {
  it("opens it, shows its address on the network, and closes it again", async () => {
    begin("administer");
    const asked = answering({ "secret-list": () => [], "network-open": () => opened, "network-close": () => wallet });
    const { page } = await mounted(AppAccess, { status: status({ app: "electrumx", endpoints: [wallet] }) });
    expect(page.text()).toContain("tcp://127.0.0.1:50001");
    expect(page.get("[role=switch]").attributes("aria-checked")).toBe("false");
    await page.get("[role=switch]").trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "network-open")).toEqual([{ app: "electrumx", endpoint: "electrum" }]);
    expect(page.text()).toContain("ssl://192.168.1.5:50001");
    expect(page.get("[role=switch]").attributes("aria-checked")).toBe("true");
    await page.get("[role=switch]").trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "network-close")).toHaveLength(1);
    expect(page.text()).not.toContain("192.168.1.5");
  });

  it("says where it has no effect yet, and why it is refused", async () => {
    begin("administer");
    answering({ "secret-list": () => [], "network-open": () => Promise.reject(new Refusal("busy", "not now")) });
    const shut = endpoint({ ...wallet, name: "other" });
    const { page } = await mounted(AppAccess, {
      status: status({ endpoints: [{ ...opened, local_addresses: [] }, shut] }),
    });
    expect(page.text()).toContain(words("access.nodeClosed"));
    await page.findAll("[role=switch]")[1]?.trigger("click");
    await flushPromises();
    expect(page.get("[role=alert]").text()).toContain("not now");
  });

  it("is not there for a page without a login of its own, nor for who does not rule the node", async () => {
    begin("administer");
    answering({ "secret-list": () => [] });
    const page = endpoint({ kept_in: "no-login" });
    const { page: owners } = await mounted(AppAccess, { status: status({ endpoints: [page] }) });
    expect(owners.find("[role=switch]").exists()).toBe(false);
    expect(owners.text()).toContain(words("access.no-login"));
    begin("manage");
    const { page: others } = await mounted(AppAccess, { status: status({ endpoints: [opened] }) });
    expect(others.find("[role=switch]").exists()).toBe(false);
    expect(others.text()).toContain("ssl://192.168.1.5:50001");
  });
});
