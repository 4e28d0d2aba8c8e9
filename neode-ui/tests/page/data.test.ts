import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { KeptData as Kept } from "../../src/api/types";
import KeptData from "../../src/components/KeptData.vue";
import AppOverview from "../../src/components/app/AppOverview.vue";
import LostData from "../../src/components/app/LostData.vue";
import { begin, button, mounted, openDialog, words } from "./mounted";
import { operation, status } from "../samples";
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

describe("state that may be newer elsewhere", () => {
  const WHAT = "the state in the volume 'channels' may not be run: it may be a copy";
  const one = { volume: "channels", what: WHAT, remedy: "archipelago data claim lnd", evidence: "e1" };
  const LND = status({ app: "lnd", name: "LND" });
  const refused = status({
    ...LND,
    health: { ...LND.health, state: "failed", needs_owner: true, reason: `${WHAT}; archipelago data claim lnd` },
  });

  async function overview(shown = refused, contested = [one]) {
    const asked = answering({
      "data-contested": () => contested,
      "data-claim": () => null,
      "container-start": () => operation({ kind: "start" }),
      "container-list": () => [],
      "operation-list": () => [],
    });
    const { page } = await mounted(AppOverview, { status: shown });
    await flushPromises();
    return { page, asked };
  }

  async function claim(page: Parameters<typeof button>[0]): Promise<void> {
    await button(page, words("claim.go"))?.trigger("click");
    await openDialog()?.get("input").setValue("lnd");
    confirm(words("claim.go"));
    await flushPromises();
  }

  it("is explained, and run only after its owner has typed the name of the app", async () => {
    begin("manage", "operate");
    const { page, asked } = await overview();
    expect(page.get("[role=alert]").text()).toContain(WHAT);
    expect(page.text()).toContain(words("claim.other"));
    expect(page.text(), "it is said once").not.toContain("archipelago data claim");
    await button(page, words("claim.go"))?.trigger("click");
    confirm(words("claim.go"));
    await flushPromises();
    expect(paramsOf(asked, "data-claim"), "nothing was typed").toEqual([]);
    confirm(words("common.cancel"));
    await flushPromises();
    await claim(page);
    expect(paramsOf(asked, "data-claim")).toEqual([{ app: "lnd", evidence: ["e1"] }]);
    expect(paramsOf(asked, "container-start"), "the node starts what is to run").toEqual([]);
  });

  it("starts with its claim where the app was stopped", async () => {
    begin("manage", "operate");
    const { page, asked } = await overview(
      status({ ...LND, desired: "stopped", health: { ...LND.health, state: "stopped" } }),
    );
    await claim(page);
    expect(paramsOf(asked, "container-start")).toEqual([{ app: "lnd" }]);
  });

  it("is only shown to who may not manage apps, and is not asked about while the app runs", async () => {
    begin("operate");
    const { page } = await overview();
    expect(page.text()).toContain(words("claim.notYou"));
    expect(button(page, words("claim.go"))).toBeUndefined();
    const running = await overview(LND);
    expect(paramsOf(running.asked, "data-contested")).toEqual([]);
    const other = await overview(refused, []);
    expect(other.page.find("[role=alert]").exists()).toBe(false);
    expect(other.page.text(), "the reason of anything else stays").toContain(WHAT);
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
