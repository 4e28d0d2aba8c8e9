import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AppStatus } from "../../src/api/types";
import AppHead from "../../src/components/app/AppHead.vue";
import AppMore from "../../src/components/app/AppMore.vue";
import AppTile from "../../src/components/app/AppTile.vue";
import ConnectCard from "../../src/components/app/ConnectCard.vue";
import UpdateCard from "../../src/components/app/UpdateCard.vue";
import HealthHistory from "../../src/components/app/HealthHistory.vue";
import { useAppMenu } from "../../src/lib/appMenu";
import { useContainers } from "../../src/stores/container";
import ContainerApps from "../../src/views/ContainerApps.vue";
import { mount } from "@vue/test-utils";
import { defineComponent } from "vue";
import { i18n } from "../../src/i18n";
import { endpoint, status, summary } from "../samples";
import { answering, paramsOf } from "../standIn";
import { begin, button, mounted, words } from "./mounted";

const PAGE = endpoint({ site: "http://knots.localhost:8481/", local_addresses: ["https://localhost:8080/"] });
const WIRE = endpoint({
  name: "electrum",
  kind: "api",
  protocol: "tcp",
  address: "tcp://127.0.0.1:50001",
  interface: "electrum",
});
const OPEN_WIRE = { ...WIRE, open: true, local_addresses: ["ssl://192.168.1.20:50001"] };

beforeEach(() => begin("operate", "manage"));
afterEach(() => vi.unstubAllGlobals());

const act = () => {};
/** Texts of the menu's lines. */
function menu(app: AppStatus): string[] {
  let lines: string[] = [];
  mount(
    defineComponent(() => {
      lines = useAppMenu(act)
        .onPage(app)
        .flatMap((each) => (each === "separator" ? [] : [each.text]));
      return () => null;
    }),
    { global: { plugins: [i18n] } },
  );
  return lines;
}

describe("the head of an app's page", () => {
  const main = (page: VueWrapper) => page.get(".button-main").text();

  it("offers no restart where only the owner can help", async () => {
    const health = { ...status().health, state: "failed" } as const;
    const { page, give } = await mounted(AppHead, { status: status({ health }), busy: false, act });
    expect(main(page)).toBe(words("apps.restart"));
    give({ status: status({ health: { ...health, needs_owner: true } }) });
    await flushPromises();
    expect(page.find(".button-main").exists()).toBe(false);
  });

  it.each([
    ["apps.open", { endpoints: [PAGE, WIRE] }],
    ["connect.wallet", { endpoints: [WIRE] }],
    ["apps.start", { endpoints: [PAGE], desired: "stopped" }],
  ] as const)("has one main button: %s", async (key, own) => {
    const { page } = await mounted(AppHead, {
      status: status({ ...own, endpoints: [...own.endpoints] }),
      busy: false,
      act,
    });
    expect(main(page)).toBe(words(key));
    expect(page.findAll(".button-main")).toHaveLength(1);
  });

  it("says how it is in words, and none of it by colour alone", async () => {
    const of = (state: "healthy" | "failed" | "backing-off") => ({ health: { ...status().health, state } });
    for (const state of ["failed", "backing-off"] as const) {
      const { page } = await mounted(AppHead, { status: status(of(state)), busy: false, act });
      expect(page.text()).toContain(words(`appState.${state}`));
    }
  });

  it("offers in its menu what one may do, and nothing else", () => {
    expect(menu(status({ update_to: "30" }))).toEqual([
      words("apps.restart"),
      words("apps.stop"),
      words("app.update", { version: "30" }),
      words("app.inStore"),
      words("app.removeDots"),
    ]);
    expect(menu(status({ desired: "stopped" }))).toContain(words("apps.start"));
    begin("execute");
    expect(menu(status({ update_to: "30" }))).toEqual([words("app.terminal"), words("app.inStore")]);
  });
});

describe("updates of an app", () => {
  const offered = status({ update_to: "30", release_notes: "- Faster\n- <b>Safer</b>" });

  it("are shown with what is new, as text alone", async () => {
    const { page } = await mounted(UpdateCard, { status: offered });
    expect(page.text()).toContain(words("update.available", { version: "30", now: "29.1" }));
    expect(page.findAll("li").map((one) => one.text())).toEqual(["Faster", "<b>Safer</b>"]);
  });

  it("are installed by themselves once the owner says so, and the card says what is in the way", async () => {
    const on = { ...offered.automatic, on: true, obstacle: "there is no way back" };
    const asked = answering({ "update-automatic": () => on });
    const { page } = await mounted(UpdateCard, { status: offered });
    const turn = page.get("[role=switch]");
    expect(turn.attributes("aria-checked")).toBe("false");
    await turn.trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "update-automatic")).toEqual([{ app: "bitcoin-knots", on: true }]);
    expect(page.get("[role=switch]").attributes("aria-checked")).toBe("true");
    expect(page.text()).toContain(words("update.obstacle", { why: on.obstacle }));
  });

  it("stay as they are where the node refuses, or where one may not manage apps", async () => {
    answering({});
    const { page } = await mounted(UpdateCard, { status: offered });
    await page.get("[role=switch]").trigger("click");
    await flushPromises();
    expect(page.get("[role=switch]").attributes("aria-checked")).toBe("false");
    begin("operate");
    const { page: other } = await mounted(UpdateCard, { status: offered });
    expect(other.find("[role=switch]").exists()).toBe(false);
  });
});

describe("how a wallet connects", () => {
  it("is told for each program, with what it scans and what one copies", async () => {
    const { page } = await mounted(ConnectCard, { app: "electrumx", endpoint: OPEN_WIRE, several: false });
    expect(page.findAll("code").map((one) => one.text())).toEqual(["192.168.1.20", "50001"]);
    expect(page.findAll("ol li")).toHaveLength(3);
    expect(page.find("svg[role=img]").exists()).toBe(false);
    await button(page, "BlueWallet")?.trigger("click");
    expect(page.get("svg[role=img]").attributes("aria-label")).toContain("bluewallet:setelectrumserver");
    await button(page, "Electrum")?.trigger("click");
    expect(page.findAll("code").map((one) => one.text())).toEqual(["192.168.1.20:50001:s"]);
  });

  it("is possible from other devices once it is opened, by a button right there", async () => {
    begin("administer");
    const asked = answering({ "network-open": () => OPEN_WIRE });
    const { page } = await mounted(ConnectCard, { app: "electrumx", endpoint: WIRE, several: false });
    await button(page, "BlueWallet")?.trigger("click");
    expect(page.text()).toContain(words("connect.onNode"));
    expect(page.find("svg[role=img]").exists()).toBe(false);
    await button(page, words("access.open"))?.trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "network-open")).toEqual([{ app: "electrumx", endpoint: "electrum" }]);
    expect(page.emitted("changed")).toEqual([[OPEN_WIRE]]);
    begin("manage");
    const other = await mounted(ConnectCard, { app: "electrumx", endpoint: WIRE, several: false });
    expect(button(other.page, words("access.open"))).toBeUndefined();
  });

  it("shows hostile labels as text", async () => {
    const hostile = { ...OPEN_WIRE, interface: null, label: "<img src=x onerror=alert(1)>" };
    const { page } = await mounted(ConnectCard, { app: "electrumx", endpoint: hostile, several: true });
    expect(page.text()).toContain(hostile.label);
    expect(page.find("img").exists()).toBe(false);
  });
});

describe("what is rarely needed", () => {
  it("is listed for whoever may use it, each part at an address of its own", async () => {
    begin("read");
    answering({});
    const links = async () =>
      (await mounted(AppMore, { status: status(), section: undefined })).page
        .findAll("nav a")
        .map((one) => one.attributes("href")?.split("/").at(-1));
    expect(await links()).toEqual(["access", "security", "parts"]);
    begin("execute", "manage");
    expect(await links()).toEqual(["access", "security", "parts", "terminal", "danger"]);
  });
});

describe("a tile", () => {
  const tile = async (own: Partial<ReturnType<typeof summary>>) =>
    (await mounted(AppTile, { app: summary(own), act })).page;

  it("opens the app, and leads to its details beside that", async () => {
    const page = await tile({ endpoints: [PAGE] });
    expect(page.findAll("a").map((one) => [one.attributes("aria-label"), one.attributes("target")])).toEqual([
      [words("apps.openNamed", { name: "Bitcoin Knots" }), "_blank"],
      [words("apps.details", { name: "Bitcoin Knots" }), undefined],
    ]);
    expect(page.text()).not.toContain(words("state.healthy"));
  });

  it("leads to its details where there is nothing to open, and says its state where it does not simply run", async () => {
    for (const own of [{ endpoints: [] }, { endpoints: [PAGE], state: "failed" }] as const) {
      const page = await tile({ ...own, endpoints: [...own.endpoints] });
      expect(page.findAll("a").map((one) => one.attributes("href"))).toEqual(["/apps/bitcoin-knots"]);
    }
    expect((await tile({ state: "failed" })).text()).toContain(words("state.failed"));
  });
});

describe("the list of apps", () => {
  it("has a picture, a sentence and one action where there is none", async () => {
    answering({});
    useContainers().apps = [];
    const { page } = await mounted(ContainerApps, {});
    expect(page.text()).toContain(words("home.noApps"));
    expect(page.findAll("a").map((one) => one.text())).toEqual([words("home.toStore")]);
  });
});

describe("the history of an app's health", () => {
  it("is asked for again when the app has an event, and not with each new status", async () => {
    const asked = answering({ "health-history": () => [] });
    const { give } = await mounted(HealthHistory, { status: status() });
    const times = async () => {
      await flushPromises();
      return paramsOf(asked, "health-history").length;
    };
    give({ status: status({ health: { ...status().health, state: "failed" } }) });
    expect(await times()).toBe(1);
    useContainers().heard = { app: "electrumx", number: 1 };
    expect(await times()).toBe(1);
    useContainers().heard = { app: status().app, number: 2 };
    expect(await times()).toBe(2);
  });
});
