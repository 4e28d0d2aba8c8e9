import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import AppAccess from "../../src/components/app/AppAccess.vue";
import { useContainers } from "../../src/stores/container";
import { endpoint, operation, status, summary } from "../samples";
import { answering, paramsOf, Refusal } from "../standIn";
import { begin, mounted, words } from "./mounted";
import { until } from "../until";

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
    await page
      .get(`[aria-label="${words("access.switch", { name: shut.label })}"][aria-checked=false]`)
      .trigger("click");
    await flushPromises();
    expect(page.get("[role=alert]").text()).toContain("not now");
  });

  it("is not there for a page without a login of its own, nor for who does not rule the node", async () => {
    begin("administer");
    answering({ "secret-list": () => [] });
    const page = endpoint({ kept_in: "no-login" });
    const { page: owners } = await mounted(AppAccess, { status: status({ endpoints: [page] }) });
    expect(owners.find(`[role=switch][aria-label="${words("access.switch", { name: page.name })}"]`).exists()).toBe(
      false,
    );
    expect(owners.text()).toContain(words("access.no-login"));
    begin("manage");
    const { page: others } = await mounted(AppAccess, { status: status({ endpoints: [opened] }) });
    expect(others.find("[role=switch]").exists()).toBe(false);
    expect(others.text()).toContain("ssl://192.168.1.5:50001");
  });
});

describe("a secret that is replaced", () => {
  it("is none that opens what the app has", async () => {
    begin("administer");
    const [made, permanent] = ["2026-01-01T00:00:00Z", true];
    answering({
      "secret-list": () => [
        { name: "login", created_at: made, permanent: false, words: null, confirmed: false },
        { name: "seed", created_at: made, permanent, words: null, confirmed: false },
      ],
    });
    const { page } = await mounted(AppAccess, { status: status() });
    await until(() => expect(page.text()).toContain("seed"));
    const buttons = page.findAll("button").filter((one) => one.text() === words("app.renew"));
    expect(buttons.map((one) => one.attributes("aria-describedby"))).toEqual(["secret-login"]);
  });

  it("names the apps that restart with it, and touches no others", async () => {
    begin("administer");
    const asked = answering({
      "secret-list": () => [
        {
          name: "edge.bitcoin-rpc.electrumx",
          created_at: "2026-01-01T00:00:00Z",
          permanent: false,
          words: null,
          confirmed: false,
        },
      ],
      "secret-preview": ({ app }) => ({ app, stops: [], restarts: ["electrumx"], interrupts: [] }),
      "secret-rotate": () => operation(),
    });
    useContainers().apps = [summary({ app: "electrumx", name: "ElectrumX" }), summary()];
    const { page } = await mounted(AppAccess, { status: status() });
    const button = await until(() => {
      const found = page.findAll("button").find((one) => one.text() === words("app.renew"));
      expect(found).toBeDefined();
      return found;
    });
    await button?.trigger("click");
    await until(() => expect(document.querySelector("[role=alertdialog]")).not.toBeNull());
    const dialog = document.querySelector<HTMLElement>("[role=alertdialog]");
    expect(dialog?.textContent).toContain(words("consent.restarts", { apps: "ElectrumX" }));
    expect(paramsOf(asked, "secret-rotate")).toEqual([]);
    [...(dialog?.querySelectorAll("button") ?? [])].find((one) => one.textContent === words("app.renew"))?.click();
    await flushPromises();
    expect(paramsOf(asked, "secret-rotate")).toEqual([
      { app: "bitcoin-knots", name: "edge.bitcoin-rpc.electrumx", agreed: ["electrumx"] },
    ]);
  });
});
