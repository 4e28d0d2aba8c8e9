import { flushPromises, type DOMWrapper, type VueWrapper } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Operation, RemovalPreview, VolumeView } from "../../src/api/types";
import AppRemoval from "../../src/components/app/AppRemoval.vue";
import { begin, button, mounted, openDialog, words } from "./mounted";
import { operation, status } from "../samples";
import { answering, Later, paramsOf, Refusal } from "../standIn";

afterEach(() => vi.unstubAllGlobals());

const volume = (own: Partial<VolumeView> = {}): VolumeView => ({
  name: "data",
  size: 2 * 1024 ** 3,
  counted: true,
  funds: false,
  data: "files",
  ...own,
});
const PREVIEW: RemovalPreview = { app: "bitcoin-knots", needed_by: [], volumes: [volume()], secrets: 1 };

async function removal(own: Partial<RemovalPreview> = {}) {
  begin("manage");
  const asked = answering({
    "removal-preview": () => ({ ...PREVIEW, ...own }),
    "container-remove": () => operation({ kind: "remove" }),
  });
  const found = await mounted(AppRemoval, { status: status() });
  expect(paramsOf(asked, "removal-preview")).toEqual([]);
  return { ...found, asked, page: await ask(found.page) };
}

/** Presses the button of the page; returns the dialog. */
async function ask(page: VueWrapper): Promise<DOMWrapper<Element>> {
  await button(page, words("app.removeDo", { name: "Bitcoin Knots" }))?.trigger("click");
  await flushPromises();
  return openDialog() as DOMWrapper<Element>;
}

const remove = (page: DOMWrapper<Element>) => button(page, words("app.removeDo", { name: "Bitcoin Knots" }));
const confirm = (page: DOMWrapper<Element>) => remove(page)?.trigger("click");
const isReady = (page: DOMWrapper<Element>) => remove(page)?.attributes("disabled") === undefined;
const deleteData = (page: DOMWrapper<Element>) => page.get("[role=switch]").trigger("click");
const type = (page: DOMWrapper<Element>, text: string) => page.get("input").setValue(text);

describe("removing an app", () => {
  it("says what stays before anything is done", async () => {
    const { page, asked } = await removal({
      volumes: [volume(), volume({ name: "index", size: 1024 ** 3, counted: false, data: "rebuildable" })],
    });
    expect(page.text()).toContain(words("removal.kept"));
    expect(page.text()).toMatch(/data\s*files\s*2 GiB/);
    expect(page.text()).toMatch(/index\s*can be made again/);
    expect(page.text()).toContain(words("removal.more", { size: "1 GiB" }));
    expect(paramsOf(asked, "container-remove")).toEqual([]);
  });

  it("keeps its data, and goes on where one sees how it does", async () => {
    const { page, router, asked } = await removal();
    expect(isReady(page)).toBe(true);
    await confirm(page);
    await flushPromises();
    expect(paramsOf(asked, "container-remove")).toEqual([{ app: "bitcoin-knots", delete_data: false }]);
    expect(router.currentRoute.value.name).toBe("operations");
  });

  it("stays on the page where the node refuses, and says why", async () => {
    const { page, router } = await removal();
    answering({ "container-remove": () => Promise.reject(new Refusal("busy", "it is being updated")) });
    await confirm(page);
    await flushPromises();
    expect(page.get("[role=alert]").text()).toContain("it is being updated");
    expect(router.currentRoute.value.path).toBe("/");
  });

  it("is looked at once, and goes on saying why it was refused, where nothing has changed that matters to it", async () => {
    const { page, give } = await removal();
    const asked = answering({ "container-remove": () => Promise.reject(new Refusal("busy", "it is being updated")) });
    await confirm(page);
    await flushPromises();
    give({ status: status({ used_by: [], desired: "stopped" }) });
    await flushPromises();
    expect(paramsOf(asked, "removal-preview")).toEqual([]);
    expect(page.get("[role=alert]").text()).toContain("it is being updated");
  });

  it("waits until it is known what would be lost", async () => {
    begin("manage");
    const late = new Later<RemovalPreview>();
    answering({ "removal-preview": () => late.promise });
    const page = await ask((await mounted(AppRemoval, { status: status() })).page);
    expect(isReady(page)).toBe(false);
    late.refuse(new Refusal("internal", "no"));
    await flushPromises();
    expect(isReady(page)).toBe(false);
  });

  it("is looked at again with the next change of the app where it could not be, and says no longer why", async () => {
    begin("manage");
    answering({ "removal-preview": () => Promise.reject(new Refusal("internal", "the disk is gone")) });
    const { page: whole, give } = await mounted(AppRemoval, { status: status() });
    const page = await ask(whole);
    expect(page.get("[role=alert]").text()).toContain("the disk is gone");
    answering({ "removal-preview": () => PREVIEW });
    give({ status: status({ desired: "stopped" }) });
    await flushPromises();
    expect(isReady(page)).toBe(true);
    expect(page.find("[role=alert]").exists()).toBe(false);
  });

  it("is begun once, even where it is looked at again meanwhile", async () => {
    const { page, give } = await removal();
    const late = new Later<Operation>();
    const asked = answering({ "removal-preview": () => PREVIEW, "container-remove": () => late.promise });
    await confirm(page);
    expect(isReady(page)).toBe(false);
    give({ status: status({ used_by: ["gone"] }) });
    await flushPromises();
    expect(paramsOf(asked, "removal-preview")).toHaveLength(1);
    expect(isReady(page)).toBe(false);
    late.refuse(new Refusal("busy"));
    await flushPromises();
    expect(isReady(page)).toBe(true);
  });

  it("waits for what is done with the app already", async () => {
    const { page, give } = await removal();
    give({ status: status({ operation: "1" }) });
    await flushPromises();
    expect(isReady(page)).toBe(false);
  });
});

describe("deleting its data", () => {
  it("asks for the app's name, typed to its end", async () => {
    const { page, asked } = await removal();
    await deleteData(page);
    expect(page.text()).toContain(words("removal.lost"));
    expect(isReady(page)).toBe(false);
    for (const text of ["bitcoin", "Bitcoin Knots", "bitcoin-knots2"]) {
      await type(page, text);
      expect(isReady(page), text).toBe(false);
    }
    await type(page, " bitcoin-knots ");
    expect(isReady(page)).toBe(true);
    await confirm(page);
    expect(paramsOf(asked, "container-remove")).toEqual([{ app: "bitcoin-knots", delete_data: true }]);
  });

  it("asks for nothing any more where the owner changes his mind", async () => {
    const { page } = await removal();
    await deleteData(page);
    await type(page, "bitcoin");
    await deleteData(page);
    expect(isReady(page)).toBe(true);
    expect(page.findAll("input")).toEqual([]);
  });

  it("warns of keys to money, and only of those", async () => {
    const { page } = await removal({ volumes: [volume(), volume({ name: "wallet", funds: true })] });
    expect(page.findAll("li").map((one) => one.text().includes(words("removal.funds")))).toEqual([false, true, false]);
    expect(page.find("[role=alert]").exists()).toBe(false);
    await deleteData(page);
    expect(page.get("[role=alert]").text()).toBe(words("removal.fundsHint"));

    const harmless = await removal();
    await deleteData(harmless.page);
    expect(harmless.page.find("[role=alert]").exists()).toBe(false);
  });
});

describe("an app that others need", () => {
  it("is not removed before them, to which it leads", async () => {
    const { page } = await removal({ needed_by: ["electrumx", "lnd"] });
    expect(page.text()).toContain(words("removal.needed", { name: "Bitcoin Knots" }));
    expect(page.findAll("a").map((one) => one.attributes("href"))).toEqual([
      "/apps/electrumx/danger",
      "/apps/lnd/danger",
    ]);
    expect(isReady(page)).toBe(false);
    await deleteData(page);
    await type(page, "bitcoin-knots");
    expect(isReady(page)).toBe(false);
  });

  it("is removed once they are gone", async () => {
    const { page, give, asked } = await removal({ needed_by: ["electrumx"] });
    answering({ "removal-preview": () => ({ app: "bitcoin-knots", needed_by: [], volumes: [], secrets: 0 }) });
    give({ status: status({ used_by: ["gone"] }) });
    await flushPromises();
    expect(isReady(page)).toBe(true);
    expect(paramsOf(asked, "removal-preview")).toHaveLength(1);
  });
});
