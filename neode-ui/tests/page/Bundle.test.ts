import { flushPromises } from "@vue/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { BundleView } from "../../src/api/types";
import BundlePlan from "../../src/components/store/BundlePlan.vue";
import StoreView from "../../src/views/StoreView.vue";
import { useContainers } from "../../src/stores/container";
import { entry, operation, plan } from "../samples";
import { answering, paramsOf, Refusal } from "../standIn";
import { begin, button, mounted, words } from "./mounted";

const BUNDLE: BundleView = {
  bundle: "wallets",
  name: "Wallets",
  summary: "All you need",
  apps: ["specter", "electrumx", "knots"],
  problem: null,
};
const ENTRIES = [
  entry({ app: "specter", name: "Specter" }),
  entry({ app: "electrumx", name: "ElectrumX" }),
  entry({ app: "knots", name: "Knots", installed: "29" }),
];
const ANSWERS = {
  "catalog-list": () => ENTRIES,
  "bundle-list": () => [BUNDLE],
  "option-list": () => [],
  plan: () => plan(),
  "container-list": () => [],
  "operation-list": () => [],
};

beforeEach(() => {
  begin("manage");
  history.replaceState(null, "");
});
afterEach(() => vi.unstubAllGlobals());

it("is installed in one plan, which is the one that is agreed to", async () => {
  const asked = answering({
    ...ANSWERS,
    "container-install": () => operation({ id: "9", kind: "install", app: "specter" }),
  });
  const { page } = await mounted(BundlePlan, { bundle: BUNDLE, entries: ENTRIES });
  await flushPromises();
  expect(paramsOf(asked, "plan").map(({ app, also }) => [app, also])).toEqual([["specter", ["electrumx", "knots"]]]);
  await button(page, words("plan.install"))?.trigger("click");
  await flushPromises();
  expect(paramsOf(asked, "container-install").map(({ app, also, plan }) => [app, also, plan])).toEqual([
    ["specter", ["electrumx", "knots"], "d1"],
  ]);
});

it("says beside the button why it was refused", async () => {
  answering({ ...ANSWERS, "container-install": () => Promise.reject(new Refusal("busy", "something is under way")) });
  const { page } = await mounted(BundlePlan, { bundle: BUNDLE, entries: ENTRIES });
  await flushPromises();
  const pressed = button(page, words("plan.install"));
  await pressed?.trigger("click");
  await flushPromises();
  const alert = page.get("[role=alert]");
  expect(alert.text()).toContain("something is under way");
  expect(pressed?.element.closest("section")?.contains(alert.element)).toBe(true);
});

it("shows the installation that is under way, whichever of its apps was asked for", async () => {
  const under = operation({ kind: "install", app: "electrumx", apps: ["electrumx", "specter"], percent: 30 });
  answering(ANSWERS);
  Object.assign(useContainers(), { apps: [], operations: [under] });
  const { page } = await mounted(BundlePlan, { bundle: BUNDLE, entries: ENTRIES });
  await flushPromises();
  expect(button(page, words("plan.install"))).toBeUndefined();
  expect(page.get("[role=progressbar]").attributes("aria-valuenow")).toBe("30");
});

it("is in the store for as long as something of it is missing, with what is wrong with others", async () => {
  let entries = ENTRIES;
  const broken = { ...BUNDLE, bundle: "bad", name: "bad", apps: [], problem: "bad.yml:1:1: apps: missing key" };
  answering({ ...ANSWERS, "bundle-list": () => [BUNDLE, broken], "catalog-list": () => entries });
  const store = useContainers();
  const { page } = await mounted(StoreView, {});
  await flushPromises();
  expect(page.findAll("h2").map((one) => one.text())).toContain("Wallets");
  expect(page.text()).toContain("bad.yml:1:1: apps: missing key");
  entries = ENTRIES.map((one) => ({ ...one, installed: "1" }));
  store.apps = [];
  await flushPromises();
  expect(page.findAll("h2").map((one) => one.text())).not.toContain("Wallets");
});
