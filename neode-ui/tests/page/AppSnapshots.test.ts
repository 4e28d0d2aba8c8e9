import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type {
  RestorePreview,
  SnapshotEntry,
  SnapshotKind,
  SnapshotSchedulesView,
  SnapshotPreview,
  SnapshotView,
} from "../../src/api/types";
import { useContainers } from "../../src/stores/container";
import AppSnapshots from "../../src/components/app/AppSnapshots.vue";
import { begin, button, mounted, openDialog, words } from "./mounted";
import { operation, status, step } from "../samples";
import { answering, paramsOf, type Answers } from "../standIn";
import { until } from "../until";

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

const NODE = { app: "", every: "off" as const, keep_hourly: 24, keep_daily: 7, keep_weekly: 4, own: false, next: null, obstacle: "" }; // prettier-ignore
const SCHEDULES: SnapshotSchedulesView = { node: NODE, apps: [{ ...NODE, app }] };

async function snapshots(cost = COST, found = [UPDATE, MANUAL], own: Answers = {}) {
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
    "snapshot-schedules": () => SCHEDULES,
    ...own,
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

describe("the schedule of an app", () => {
  const choose = async (page: Awaited<ReturnType<typeof snapshots>>["page"], every: string) => {
    page.findAllComponents({ name: "BaseSelect" }).at(-1)?.vm.$emit("update:modelValue", every);
    await flushPromises();
  };

  it("is that of the node until its owner chooses another, which is applied with what is kept", async () => {
    begin("manage");
    let now = SCHEDULES;
    const { page, asked } = await snapshots({ ...COST, remarks: ["it stops for 9 s"] }, [MANUAL], {
      "snapshot-schedules": () => now,
      "snapshot-schedule-set": ({ every }) => {
        now = { ...now, apps: [{ ...NODE, app, own: true, every, keep_daily: 3, next: "2026-11-30T03:00:00Z" }] };
        return now.apps[0]!;
      },
      "snapshot-schedule-reset": () => ({ ...NODE, app }),
    });
    expect(page.text()).toContain(words("schedule.now.off"));
    expect(button(page, words("schedule.save"))).toBeUndefined();
    await choose(page, "daily");
    expect(page.text()).toContain("it stops for 9 s");
    const [, days] = page.findAll("input[type=number]");
    await days?.setValue("900");
    expect(page.text()).toContain(words("schedule.count", { most: 200 }));
    expect(button(page, words("schedule.save"))?.attributes("disabled")).toBeDefined();
    await days?.setValue("3");
    await page.get("form").trigger("submit");
    await flushPromises();
    const set = { app, every: "daily", keep_hourly: 24, keep_daily: 3, keep_weekly: 4 };
    expect(paramsOf(asked, "snapshot-schedule-set")).toEqual([set]);
    expect(button(page, words("schedule.save")), "it is applied").toBeUndefined();
    await choose(page, "node");
    await page.get("form").trigger("submit");
    await flushPromises();
    expect(paramsOf(asked, "snapshot-schedule-reset")).toEqual([{ app }]);
  });

  it("says why none was taken, and is only looked at by who may not change apps", async () => {
    begin();
    const obstacle = "it is not healthy at the moment";
    const { page } = await snapshots(COST, [], {
      "snapshot-schedules": () => ({ node: NODE, apps: [{ ...NODE, app, every: "daily", obstacle }] }),
    });
    expect(page.text()).toContain(words("schedule.obstacle", { why: obstacle }));
    expect(page.find("form").exists()).toBe(false);
  });
});

describe("a look into a snapshot", () => {
  const entry = (name: string, kind: SnapshotEntry["kind"], own: Partial<SnapshotEntry> = {}): SnapshotEntry => ({
    name,
    kind,
    size: 5,
    modified: null,
    target: "",
    ...own,
  });
  const FOLDERS: Record<string, SnapshotEntry[]> = {
    volumes: [entry("data", "folder")],
    "volumes/data": [entry("photo.jpg", "file"), entry("out", "link", { target: "/etc/passwd" })],
  };

  async function inside(own: Answers = {}) {
    const made = await snapshots(COST, [MANUAL], {
      "snapshot-files": ({ path = "" }) => ({ path, entries: FOLDERS[path] ?? [], more: false, complete: true }),
      "snapshot-file": ({ path, offset = 0 }) => ({
        path,
        offset,
        size: 5,
        content: btoa("photo".slice(offset, offset + 3)),
      }),
      "snapshot-extract": () => ({ left_out: 2 }),
      ...own,
    });
    await button(made.page, words("snapshot.look"))?.trigger("click");
    await until(() => expect(openDialog()).toBeDefined());
    await flushPromises();
    return made;
  }
  const pressIn = async (text: string): Promise<void> => {
    await button(openDialog()!, text)?.trigger("click");
    await flushPromises();
  };

  it("leads through its folders, saves a file whole, and follows no link", async () => {
    begin("execute");
    const blobs: Blob[] = [];
    vi.stubGlobal("URL", Object.assign(URL, { createObjectURL: (one: Blob) => (blobs.push(one), "blob:x"), revokeObjectURL: () => {} })); // prettier-ignore
    const { asked } = await inside();
    await pressIn("data");
    expect(openDialog()?.text()).toContain(words("files.kind.link"));
    await openDialog()!
      .get(`[aria-label="${words("files.save", { name: "photo.jpg" })}"]`)
      .trigger("click");
    await until(() => expect(blobs).toHaveLength(1));
    expect(await blobs[0]?.text()).toBe("photo");
    const pieces = paramsOf(asked, "snapshot-file");
    expect(pieces.map(({ path, offset }) => [path, offset])).toEqual([
      ["volumes/data/photo.jpg", 0],
      ["volumes/data/photo.jpg", 3],
    ]);
    await pressIn(words("files.top"));
    expect(openDialog()?.text()).not.toContain("photo.jpg");
  });

  it("restores into a new folder, for who administers the node", async () => {
    begin("execute", "administer");
    const { asked } = await inside();
    await pressIn("data");
    await openDialog()!
      .get(`[aria-label="${words("files.extract", { name: "photo.jpg" })}"]`)
      .trigger("click");
    await openDialog()!.get("input").setValue("/tmp/back");
    await openDialog()!.get("form").trigger("submit");
    await flushPromises();
    const back = { app, snapshot: "1", path: "volumes/data/photo.jpg", to: "/tmp/back" };
    expect(paramsOf(asked, "snapshot-extract")).toEqual([back]);
    expect(openDialog()?.text()).toContain(words("files.leftOut", { n: 2 }, 2));
  });

  it("starts a copy of the app, which says how long it runs and is stopped", async () => {
    begin("manage");
    const messages = { detail: { key: "{minutes} min", parameters: { minutes: "10", pages: "http://127.0.0.1:9" } } };
    const look = operation({
      id: "9",
      kind: "snapshot-look",
      app,
      cancellable: true,
      updated_at: new Date(Date.now() - 60_000).toISOString(),
      steps: [step({ name: "run a copy", detail: "it runs", messages: messages as never })],
    });
    const { page, asked } = await inside({
      "snapshot-look": () => look,
      "operation-cancel": () => look,
    });
    expect(openDialog()?.find("nav").exists(), "files need another permission").toBe(false);
    await pressIn(words("snapshot.inside.go"));
    expect(paramsOf(asked, "snapshot-look")).toEqual([{ app, snapshot: "1", minutes: 10 }]);
    expect(openDialog()).toBeUndefined();
    useContainers().operations = [look];
    await flushPromises();
    expect(page.text()).toContain("9 minutes");
    expect(page.text()).toContain("http://127.0.0.1:9");
    await button(page, words("snapshot.copy.stop"))?.trigger("click");
    expect(paramsOf(asked, "operation-cancel")).toEqual([{ id: "9" }]);
    useContainers().operations = [
      { ...look, state: "done", steps: [step({ state: "done", detail: "it came up in 3 s" })] },
    ];
    await flushPromises();
    expect(page.text()).toContain(words("snapshot.copy.last", { result: "it came up in 3 s" }));
  });
});
