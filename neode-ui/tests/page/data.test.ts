import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { KeptData as Kept } from "../../src/api/types";
import KeptData from "../../src/components/KeptData.vue";
import LostData from "../../src/components/app/LostData.vue";
import { begin, button, mounted, words } from "./mounted";
import { status } from "../samples";
import { answering, paramsOf, Refusal } from "../standIn";

afterEach(() => vi.unstubAllGlobals());

const chain = {
  volume: "chain",
  lost: true,
  what: "the volume 'chain' was there, and is gone",
  remedy: "mount its disk",
};
const foreign = {
  volume: "wallets",
  lost: false,
  what: "the files belong to others",
  remedy: "sudo chown -R 1:1 /wallets",
};
const kept: Kept = {
  app: "bitcoin-knots",
  kept: "2026-01-01T00-00-00.000Z",
  at: "2026-01-01T00:00:00Z",
  version: "29.1",
  volumes: [{ name: "wallets", size: 1024, counted: true, funds: true, data: null }],
  secrets: 1,
};

/** The dialog is beside the page. */
const confirm = (text: string) =>
  [...document.querySelectorAll<HTMLButtonElement>("[role=alertdialog] button")]
    .find((one) => one.textContent === text)
    ?.click();

describe("data that is lost", () => {
  it("is given up only after a question, and only what is lost", async () => {
    begin("manage");
    const asked = answering({ "data-start-empty": () => null });
    const { page } = await mounted(LostData, { status: status({ lost_volumes: [chain, foreign] }) });
    expect(page.text()).toContain(chain.remedy);
    expect(page.text()).toContain(foreign.remedy);
    await button(page, words("data.startEmpty"))?.trigger("click");
    expect(paramsOf(asked, "data-start-empty")).toEqual([]);
    confirm(words("data.startEmpty"));
    await flushPromises();
    expect(paramsOf(asked, "data-start-empty")).toEqual([{ app: "bitcoin-knots", volumes: ["chain"] }]);
    expect(document.querySelector("[role=alertdialog]")).toBeNull();
  });

  it("is not given up where it only belongs to others, or by who may only look", async () => {
    begin("manage");
    const there = await mounted(LostData, { status: status({ lost_volumes: [foreign] }) });
    expect(there.page.find("button").exists()).toBe(false);
    begin("read");
    const viewer = await mounted(LostData, { status: status({ lost_volumes: [chain] }) });
    expect(viewer.page.find("button").exists()).toBe(false);
  });
});

describe("data that was kept", () => {
  it("is restored at once, and deleted after a question", async () => {
    begin("manage");
    const asked = answering({
      "data-list": () => [kept],
      "data-restore": () => Promise.reject(new Refusal("already-installed", "it is installed")),
      "data-delete": () => null,
    });
    const { page } = await mounted(KeptData, {});
    await flushPromises();
    expect(page.text()).toMatch(/bitcoin-knots 29\.1.*wallets 1 KiB/s);
    const [restore, remove] = page.findAll("button");
    await restore?.trigger("click");
    await flushPromises();
    expect(page.text()).toContain("it is installed");
    await remove?.trigger("click");
    expect(paramsOf(asked, "data-delete")).toEqual([]);
    confirm(words("data.delete"));
    await flushPromises();
    expect(paramsOf(asked, "data-delete")).toEqual([{ app: "bitcoin-knots", kept: kept.kept }]);
    expect(paramsOf(asked, "data-list")).toHaveLength(3);
  });

  it("takes no room where there is none", async () => {
    begin("manage");
    answering({ "data-list": () => [] });
    const { page } = await mounted(KeptData, {});
    await flushPromises();
    expect(page.text()).toBe("");
  });
});
