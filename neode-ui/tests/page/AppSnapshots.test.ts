import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RestorePreview, SnapshotKind, SnapshotPreview, SnapshotView } from "../../src/api/types";
import AppSnapshots from "../../src/components/app/AppSnapshots.vue";
import { begin, button, mounted, words } from "./mounted";
import { operation, status } from "../samples";
import { answering, paramsOf } from "../standIn";

const STATUS = status({});
const app = STATUS.app;

function snapshot(name: string, kind: SnapshotKind, own: Partial<SnapshotView> = {}): SnapshotView {
  return { name, kind, at: "2026-11-29T08:40:00Z", version: "1.0", size: 5, counted: true, funds: false, undoes_update: false, ...own }; // prettier-ignore
}
const UPDATE = snapshot("2", "before-update", { undoes_update: true });
const MANUAL = snapshot("1", "manual", { funds: true });
const BACK: RestorePreview = {
  apps: [app],
  snapshot: "1",
  at: "2026-11-29T08:40:00Z",
  version: "1.0",
  version_now: "2.0",
  stays: ["cache"],
  remarks: ["what it wrote since is not there any more"],
};
const COST: SnapshotPreview = { app, size: 0, seconds: 0, free: 9, missing: 0, left_out: [], remarks: [] };

afterEach(() => vi.unstubAllGlobals());

async function snapshots(cost = COST, found = [UPDATE, MANUAL]) {
  const asked = answering({
    "snapshot-list": () => found,
    "snapshot-preview": () => cost,
    "restore-preview": () => BACK,
    "undo-preview": () => ({ ...BACK, snapshot: "2" }),
    "snapshot-take": () => operation({ kind: "snapshot" }),
    "snapshot-restore": () => operation({ kind: "restore" }),
    "container-update-undo": () => operation({ kind: "restore" }),
    "snapshot-delete": () => null,
    "container-list": () => [],
    "operation-list": () => [],
  });
  const { page } = await mounted(AppSnapshots, { status: STATUS });
  await flushPromises();
  return { page, asked };
}

const dialog = () => document.querySelector<HTMLElement>("[role=alertdialog]");

async function press(text: string): Promise<void> {
  [...(dialog()?.querySelectorAll("button") ?? [])].find((each) => each.textContent === text)?.click();
  await flushPromises();
}

describe("the snapshots of an app", () => {
  it("say why each is there", async () => {
    begin("manage");
    const { page } = await snapshots();
    const lines = page.findAll("li").map((each) => each.text());
    expect(lines[0]).toContain(words("snapshot.kind.before-update"));
    expect(lines[1]).toContain(words("snapshot.funds"));
  });

  it("go back only after it was said what is lost", async () => {
    begin("manage");
    const { page, asked } = await snapshots();
    await button(page, words("snapshot.restore"))?.trigger("click");
    await flushPromises();
    expect(dialog()?.textContent).toContain("what it wrote since");
    await press(words("common.cancel"));
    expect(paramsOf(asked, "snapshot-restore")).toEqual([]);
    await button(page, words("snapshot.restore"))?.trigger("click");
    await flushPromises();
    await press(words("snapshot.restore"));
    expect(paramsOf(asked, "snapshot-restore")).toEqual([{ app, snapshot: "1", stays: ["cache"] }]);
  });

  it("undo the last update with all that it changed", async () => {
    begin("manage");
    const { page, asked } = await snapshots();
    await button(page, words("snapshot.undoUpdate"))?.trigger("click");
    await flushPromises();
    await press(words("snapshot.undoUpdate"));
    expect(paramsOf(asked, "container-update-undo")).toEqual([{ app }]);
    expect(paramsOf(asked, "snapshot-restore")).toEqual([]);
  });

  it("are taken at once where that costs nothing, and otherwise after the cost was said", async () => {
    begin("manage");
    const free = await snapshots();
    await button(free.page, words("snapshot.take"))?.trigger("click");
    await flushPromises();
    expect(paramsOf(free.asked, "snapshot-take")).toEqual([{ app }]);
    const slow = await snapshots({ ...COST, size: 7, remarks: ["it stops for 9 s"] });
    await button(slow.page, words("snapshot.take"))?.trigger("click");
    await flushPromises();
    expect(dialog()?.textContent).toContain("it stops for 9 s");
    expect(paramsOf(slow.asked, "snapshot-take")).toEqual([]);
    await press(words("snapshot.take"));
    expect(paramsOf(slow.asked, "snapshot-take")).toEqual([{ app }]);
  });

  it("are deleted after a warning of keys to money", async () => {
    begin("manage");
    const { page, asked } = await snapshots(COST, [MANUAL]);
    await button(page, words("snapshot.delete"))?.trigger("click");
    await flushPromises();
    expect(dialog()?.textContent).toContain("nowhere else");
    await press(words("snapshot.delete"));
    expect(paramsOf(asked, "snapshot-delete")).toEqual([{ app, snapshot: "1" }]);
  });

  it("are only looked at by who may not change apps", async () => {
    begin();
    const { page } = await snapshots();
    expect(page.findAll("button")).toHaveLength(0);
    expect(page.findAll("li")).toHaveLength(2);
  });
});
