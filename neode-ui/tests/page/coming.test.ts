import { flushPromises } from "@vue/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useContainers } from "../../src/stores/container";
import ContainerApps from "../../src/views/ContainerApps.vue";
import StoreView from "../../src/views/StoreView.vue";
import { entry, operation, summary } from "../samples";
import { answering } from "../standIn";
import { begin, mounted, words } from "./mounted";

const under_way = operation({ kind: "install", app: "electrumx", percent: 40 });

beforeEach(() => begin("manage"));
afterEach(() => vi.unstubAllGlobals());

it("is seen in the store while it is being installed", async () => {
  answering({
    "bundle-list": () => [],
    "catalog-list": () => [entry({ app: "electrumx", name: "ElectrumX" }), entry({ app: "tor", name: "Tor" })],
  });
  Object.assign(useContainers(), { apps: [], operations: [under_way] });
  const { page } = await mounted(StoreView, {});
  await flushPromises();
  expect(page.findAll("li.card").map((one) => one.findAll("a").at(-1)?.text())).toEqual(["40%", words("store.look")]);
});

it("is in the list of apps, by its name, until it is one of them", async () => {
  answering({});
  const store = useContainers();
  store.learn([{ app: "electrumx", name: "ElectrumX" }]);
  Object.assign(store, { apps: [], operations: [under_way] });
  const { page } = await mounted(ContainerApps, {});
  expect(page.get("h2").text()).toBe(words("opKind.install", { app: "ElectrumX" }));
  expect(page.get("[role=progressbar]").attributes("aria-valuenow")).toBe("40");
  expect(page.text()).not.toContain(words("home.noApps"));
  await page.get("input").setValue("tor");
  expect(page.find("[role=progressbar]").exists()).toBe(false);
  await page.get("input").setValue("electr");
  store.apps = [summary({ app: "electrumx", name: "ElectrumX" })];
  await flushPromises();
  expect(page.find("[role=progressbar]").exists()).toBe(false);
  expect(page.text()).toContain("ElectrumX");
});
