import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { AppStatus, RepairPreview } from "../../src/api/types";
import AppOverview from "../../src/components/app/AppOverview.vue";
import AppRepairs from "../../src/components/app/AppRepairs.vue";
import { begin, button, mounted, words } from "./mounted";
import { operation, status } from "../samples";
import { answering, paramsOf, Refusal } from "../standIn";

const REPAIR = {
  repair: "rebuild_all",
  label: "Check all blocks again",
  description: "It takes hours.",
  suggested: true,
};
const FAILING = status({ repairs: [REPAIR] });
const PREVIEW: RepairPreview = {
  app: FAILING.app,
  repair: REPAIR.repair,
  label: REPAIR.label,
  description: REPAIR.description,
  effects: ["the app is stopped", "main starts once with -reindex"],
  funds: false,
  used_by: ["electrumx"],
};
const ANSWERS = {
  "repair-preview": () => PREVIEW,
  "container-repair": () => operation({ kind: "repair" }),
  "container-list": () => [],
  "operation-list": () => [],
};

afterEach(() => vi.unstubAllGlobals());

async function repairs(own: Partial<AppStatus> = {}) {
  const asked = answering(ANSWERS);
  const { page } = await mounted(AppRepairs, { status: { ...FAILING, ...own } });
  return { page, asked };
}

const dialog = () => document.querySelector<HTMLElement>("[role=alertdialog]");

async function press(text: string): Promise<void> {
  [...(dialog()?.querySelectorAll("button") ?? [])].find((each) => each.textContent === text)?.click();
  await flushPromises();
}

describe("a repair", () => {
  it("says what it would do before it does anything", async () => {
    begin("manage");
    const { page, asked } = await repairs();
    expect(page.text()).toContain(REPAIR.label);
    expect(page.text()).toContain(words("repair.suggested"));
    await button(page, words("repair.do"))?.trigger("click");
    await flushPromises();
    expect(dialog()?.textContent).toContain("main starts once with -reindex");
    expect(dialog()?.textContent).toContain(words("repair.usedBy", { apps: "electrumx" }));
    expect(paramsOf(asked, "container-repair")).toEqual([]);
    await press(words("common.cancel"));
    expect(dialog()).toBeNull();
    expect(paramsOf(asked, "container-repair")).toEqual([]);
  });

  it("is carried out once its owner agrees", async () => {
    begin("manage");
    const { page, asked } = await repairs();
    await button(page, words("repair.do"))?.trigger("click");
    await flushPromises();
    await press(words("repair.do"));
    expect(paramsOf(asked, "container-repair")).toEqual([{ app: FAILING.app, repair: "rebuild_all" }]);
    expect(dialog()).toBeNull();
  });

  it("is offered neither to who may only look, nor while the app is worked on or stopped", async () => {
    begin();
    expect(button((await repairs()).page, words("repair.do"))).toBeUndefined();
    begin("manage");
    for (const own of [{ operation: "1" }, { desired: "stopped" as const }]) {
      expect(button((await repairs(own)).page, words("repair.do"))?.attributes("disabled")).toBeDefined();
    }
  });

  it("says why it is refused", async () => {
    begin("manage");
    answering({ ...ANSWERS, "repair-preview": () => Promise.reject(new Refusal("not-running", "it is not to run")) });
    const { page } = await mounted(AppRepairs, { status: FAILING });
    await button(page, words("repair.do"))?.trigger("click");
    await flushPromises();
    expect(page.get("[role=alert]").text()).toContain("it is not to run");
    expect(dialog()).toBeNull();
  });
});

describe("the overview of an app", () => {
  it("shows repairs above its last failure where the failure suggests one, and at the end otherwise", async () => {
    begin("manage");
    answering(ANSWERS);
    const failure = { at: "2026-01-01T00:00:00Z", reason: "it ended", disk_full: false, exit_code: 1, logs: [] };
    const health = { ...FAILING.health, state: "backing-off" as const, failure };
    for (const suggested of [true, false]) {
      const { page } = await mounted(AppOverview, {
        status: { ...FAILING, health, repairs: [{ ...REPAIR, suggested }] },
      });
      const text = page.text();
      expect(text.indexOf(words("repair.title")) < text.indexOf(words("app.lastFailure"))).toBe(suggested);
      expect(page.findAllComponents(AppRepairs)).toHaveLength(1);
    }
  });

  it("does not speak of repairs where there is none", async () => {
    begin("manage");
    answering(ANSWERS);
    const { page } = await mounted(AppOverview, { status: status() });
    expect(page.text()).not.toContain(words("repair.title"));
  });
});
