import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { TargetView } from "../../src/api/types";
import BackupActivity from "../../src/components/backups/BackupActivity.vue";
import ExtractFile from "../../src/components/backups/ExtractFile.vue";
import PasswordsDialog from "../../src/components/backups/PasswordsDialog.vue";
import RestoreAll from "../../src/components/backups/RestoreAll.vue";
import RestorePlan from "../../src/components/backups/RestorePlan.vue";
import RestoreRun from "../../src/components/backups/RestoreRun.vue";
import { useContainers } from "../../src/stores/container";
import BackupsView from "../../src/views/BackupsView.vue";
import { begin, button, mounted, openDialog, words } from "./mounted";
import { operation, step, summary, system } from "../samples";
import { answering, paramsOf, Refusal, type Answers } from "../standIn";
import { until } from "../until";

const LATE = "2026-11-28T03:00:00Z";
const proof = {
  at: LATE,
  passed: true,
  tried: true,
  seconds: 4,
  files: 9,
  databases: 1,
  started: true,
  not_started: "",
  problem: "",
};
const target = (own: Partial<TargetView> = {}): TargetView => ({
  name: "usb",
  kind: "folder",
  place: "/media/usb",
  settings: { kind: "folder", path: "/media/usb" },
  repository: "ab",
  scheduled: true,
  apps: ["lnd", "knots"].map((app) => ({ app, newest: LATE, proved: LATE, proof, overdue: false })),
  checked: LATE,
  problem: "",
  free: null,
  ...own,
});
const preview = { app: "lnd", backup: "ab", at: LATE, version: "1", version_now: "2", size: 10, files: 3, free: 100, volumes: [{ name: "data", way: "live" as const }], left_out: [{ name: "channels", data: "never-restore" }], stays_stopped: false, reach: "", messages: {} }; // prettier-ignore

afterEach(() => vi.unstubAllGlobals());

async function backups(targets: TargetView[], own: Answers = {}) {
  begin("manage", "administer");
  const asked = answering({
    "backup-targets": () => targets,
    "setup-status": () => ({ done: [] }),
    "container-list": () => [],
    "system-info": () => system(),
    "operation-list": () => [],
    "operation-get": ({ id }) => operation({ id, state: "done" }),
    "backup-list": () => [],
    "backup-now": ({ app }) => operation({ id: app, app, kind: "backup", state: "done" }),
    "backup-target-add": () => target(),
    "backup-target-change": () => target(),
    "backup-target-remove": () => null,
    ...own,
  });
  const { page } = await mounted(BackupsView, {});
  await flushPromises();
  return { page, asked };
}

describe("the page of backups", () => {
  it("leads to the first target, and says that the words must be written down", async () => {
    const { page, asked } = await backups([]);
    expect(page.text()).toContain(words("backup.first.words"));
    const kind = page.findAll("button").find((one) => one.text().startsWith(words("backup.kind.folder")));
    await kind?.trigger("click");
    await until(() => expect(openDialog()).toBeDefined());
    await openDialog()!.get("input[type=text]").setValue("/media/usb");
    await button(openDialog()!, words("backup.add"))?.trigger("click");
    await flushPromises();
    const settings = { kind: "folder", path: "/media/usb" };
    expect(paramsOf(asked, "backup-target-add")).toEqual([{ target: "usb", settings, scheduled: true }]);
  });

  it("has the node back all apps up to all targets, and try all backups out, each as one operation", async () => {
    const two = [target(), target({ name: "s3" })];
    const all = (kind: "backup-all" | "backup-drill-all") => () => operation({ id: kind, app: "", kind });
    const { page, asked } = await backups(two, {
      "backup-all": all("backup-all"),
      "backup-drill-all": all("backup-drill-all"),
    });
    const both = [{ apps: two[0]!.apps.map((one) => one.app), targets: ["usb", "s3"] }];
    const first = (text: string) => page.findAll("button").find((one) => one.text() === text);
    await first(words("backup.now"))?.trigger("click");
    await until(() => expect(paramsOf(asked, "backup-all")).toEqual(both));
    await flushPromises();
    await first(words("backup.prove"))?.trigger("click");
    await until(() => expect(paramsOf(asked, "backup-drill-all")).toEqual(both));
    expect(paramsOf(asked, "backup-now")).toEqual([]);
  });

  it("removes a target only after it said what stays, and warns of the last one", async () => {
    const { page, asked } = await backups([target()]);
    await page.get(`[aria-label="${words("backup.more", { name: "usb" })}"]`).trigger("click");
    await until(() => expect(document.querySelector("[role=menu]")).not.toBeNull());
    const items = [...document.querySelectorAll<HTMLElement>("[role=menuitem]")];
    items.find((one) => one.textContent?.includes(words("common.remove")))?.click();
    await flushPromises();
    expect(openDialog()?.text()).toContain(words("backup.removeLastText"));
    expect(paramsOf(asked, "backup-target-remove")).toEqual([]);
    await button(openDialog()!, words("common.remove"))?.trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "backup-target-remove")).toEqual([{ target: "usb" }]);
  });

  it("shows the hint of the node, which knows more of a target than this page", async () => {
    const hint = "connect and mount the disk";
    const { page } = await backups([target()], {
      "backup-all": () => Promise.reject(new Refusal("busy", "something else works on it", { hint })),
    });
    await page.findAll("button").find((one) => one.text() === words("backup.now"))?.trigger("click"); // prettier-ignore
    await until(() => expect(page.get("[role=alert]").text()).toContain(hint));
  });
});

describe("work on backups", () => {
  it("shows in full what moves bytes, and cancels what waits from the last one on", async () => {
    begin("manage");
    const asked = answering({ "operation-cancel": () => operation({ state: "cancelled" }) });
    const steps = (at: number) => [0, 1].map((place) => step({ name: `step ${place}`, state: place < at ? "done" : place === at ? "running" : "pending" })); // prettier-ignore
    const running = [
      operation({ id: "3", kind: "backup", app: "tor", steps: steps(0) }),
      operation({ id: "2", kind: "backup", app: "lnd", steps: steps(0) }),
      operation({ id: "1", kind: "backup", app: "knots", steps: steps(1) }),
    ];
    const { page } = await mounted(BackupActivity, { running });
    expect(page.findAll("[role=progressbar]")).toHaveLength(1);
    expect(page.text()).toContain(words("backup.waiting", { apps: "lnd, tor" }));
    await button(page, words("backup.cancelWaiting"))?.trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "operation-cancel")).toEqual([{ id: "3" }, { id: "2" }]);
  });
});

describe("the passwords of a target", () => {
  const node = { id: "aaaa1111", label: "archipelago", created: LATE, node: true };
  const own = { id: "bbbb2222", label: "my desk", created: LATE, node: false };

  async function passwords() {
    begin("administer");
    const asked = answering({
      "backup-password-list": () => [node, own],
      "backup-password-add": () => null,
      "backup-password-remove": () => null,
    });
    await mounted(PasswordsDialog, { target: "usb" });
    await flushPromises();
    return asked;
  }

  it("are added once both fields agree and it is long enough", async () => {
    const asked = await passwords();
    const dialog = openDialog()!;
    const [whose, password, again] = dialog.findAll("input");
    await whose?.setValue("safe at the bank");
    await password?.setValue("too short");
    expect(dialog.text()).toContain(words("passwords.short", { n: 12 }));
    await password?.setValue("correct horse battery");
    await again?.setValue("correct horse");
    expect(dialog.text()).toContain(words("passwords.differs"));
    await dialog.get("form").trigger("submit");
    expect(paramsOf(asked, "backup-password-add")).toEqual([]);
    await again?.setValue("correct horse battery");
    await dialog.get("form").trigger("submit");
    await flushPromises();
    const added = { target: "usb", password: "correct horse battery", label: "safe at the bank" };
    expect(paramsOf(asked, "backup-password-add")).toEqual([added]);
    expect(password?.element.value, "it stays nowhere").toBe("");
  });

  it("are removed after a question, but for the node's own", async () => {
    const asked = await passwords();
    const removals = openDialog()!.findAll("li button");
    expect(removals).toHaveLength(1);
    await removals[0]?.trigger("click");
    expect(paramsOf(asked, "backup-password-remove")).toEqual([]);
    const ask = [...document.querySelectorAll<HTMLButtonElement>("[role=alertdialog] button")];
    ask.find((one) => one.textContent === words("common.remove"))?.click();
    await flushPromises();
    expect(paramsOf(asked, "backup-password-remove")).toEqual([{ target: "usb", password: own.id }]);
  });
});

it("one file of a backup comes into a new folder, and it is said where it is", async () => {
  begin("administer");
  const asked = answering({ "backup-extract": () => null });
  const about = { app: "lnd", target: "usb", backup: "ab" };
  const { page } = await mounted(ExtractFile, { ...about, volumes: ["data"] });
  const [path, to] = page.findAll("input");
  expect(path?.element.value).toBe("volumes/data");
  await path?.setValue("volumes/data/photo.jpg");
  await to?.setValue("/media/usb/back");
  await page.get("form").trigger("submit");
  await flushPromises();
  expect(paramsOf(asked, "backup-extract")).toEqual([
    { ...about, path: "volumes/data/photo.jpg", to: "/media/usb/back" },
  ]);
  expect(page.text()).toContain(words("files.isIn", { place: "/media/usb/back" }));
});

it("a target says how much room is left where the node knows it", async () => {
  const { page } = await backups([target({ free: 5 * 2 ** 30 }), target({ name: "s3" })]);
  expect(page.text().split(words("backup.room"))).toHaveLength(2);
  expect(page.text()).toContain(words("backup.roomLeft", { amount: "5 GiB" }));
});

describe("a restore that has failed", () => {
  const OPENED = "2026-11-29T08:40:00Z";
  const steps = (...states: Array<"done" | "failed" | "pending">) =>
    states.map((state, at) => step({ name: ["fetch the backup", "put lnd back", "start lnd"][at]!, state }));
  const moved = { name: "1", kind: "before-restore" as const, at: OPENED, version: "2", size: 1, counted: true, funds: false, undoes_update: false }; // prettier-ignore

  async function failed(found: Array<typeof moved>, ...states: Array<"done" | "failed" | "pending">) {
    begin("manage");
    const error = { code: "not-healthy", message: "lnd does not come up", hint: "", data: {} };
    const about = {
      id: "7",
      kind: "backup-restore",
      state: "failed",
      created_at: OPENED,
      steps: steps(...states),
    } as const;
    answering({
      "operation-get": () => operation({ ...about, steps: [...about.steps], error: error as never }),
      "snapshot-list": () => found,
    });
    useContainers().apps = [];
    const { page } = await mounted(RestoreRun, { app: "lnd", operation: "7" });
    await flushPromises();
    return page;
  }

  it("before anything was put back says that the app is as it was", async () => {
    const page = await failed([], "failed", "pending", "pending");
    expect(page.text()).toContain(words("restore.unchanged"));
    expect(button(page, words("restore.undo"))).toBeUndefined();
  });

  it("when all was back says so, and offers the way back", async () => {
    const page = await failed([moved], "done", "done", "failed");
    expect(page.text()).not.toContain(words("restore.unchanged"));
    expect(page.text()).toContain(words("restore.kept"));
    expect(button(page, words("restore.undo"))).toBeDefined();
  });

  it("of an app that was not there leads to it", async () => {
    const page = await failed([], "done", "done", "failed");
    expect(page.text()).not.toContain(words("restore.unchanged"));
    expect(button(page, words("restore.openApp"))).toBeDefined();
  });
});

describe("a restore", () => {
  async function plan(own: Partial<typeof preview> = {}) {
    begin("manage");
    const asked = answering({
      "backup-preview": () => ({ ...preview, ...own }),
      "backup-restore": () => operation({ id: "7", kind: "backup-restore" }),
    });
    const opened: string[] = [];
    const given = { app: "lnd", target: "usb", backup: "ab", onOpened: (id: string) => opened.push(id) };
    const { page } = await mounted(RestorePlan, given);
    await flushPromises();
    return { page, asked, opened };
  }

  it("says what comes back, what is set aside and what is in no backup before it is agreed to", async () => {
    const { page, asked, opened } = await plan();
    expect(page.text()).toContain(words("restore.aside", { version: "2" }));
    expect(page.text()).toContain(`data: ${words("restore.way.live")}`);
    expect(page.text()).toContain(`channels: ${words("restore.left.never")}`);
    expect(paramsOf(asked, "backup-restore")).toEqual([]);
    await button(page, words("restore.agree", { name: "lnd" }))?.trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "backup-restore")).toEqual([{ app: "lnd", target: "usb", backup: "ab" }]);
    expect(opened).toEqual(["7"]);
  });

  it("is not offered where the disk lacks the room, and says that an app with channels waits", async () => {
    const { page } = await plan({ size: 1000, stays_stopped: true });
    expect(button(page, words("restore.agree", { name: "lnd" }))?.attributes("disabled")).toBeDefined();
    expect(page.text()).toContain(words("restore.tooLarge"));
    expect(page.text()).toContain(words("restore.staysStopped", { name: "lnd" }));
  });

  it("says what the app reaches with the settings of then, where that is more than now", async () => {
    const { page } = await plan({ reach: "it reaches the internet" });
    expect(page.text()).toContain(words("restore.reach", { reach: "it reaches the internet" }));
    expect((await plan()).page.text()).not.toContain(words("restore.reach", { reach: "" }).slice(0, 12));
  });

  it("of all apps is one operation of the node, and what did not come back is said with its reason", async () => {
    begin("manage");
    const backup = (app: string) => ({ id: app, app, version: "1", at: LATE });
    const asked = answering({
      "backup-list": () => ["knots", "lnd", "tor"].map(backup),
      "backup-restore-all": () => operation({ id: "7", app: "", kind: "backup-restore-all" }),
    });
    const { page } = await mounted(RestoreAll, { target: "usb" });
    useContainers().apps = [summary({ app: "knots" })];
    await flushPromises();
    await button(page, words("backup.all.go", { n: 2 }, 2))?.trigger("click");
    await until(() => expect(paramsOf(asked, "backup-restore-all")).toEqual([{ target: "usb" }]));
    const message = "1 of 2 apps are not back: restore lnd: it needs knots";
    const error = { code: "incomplete", message, hint: "", data: {}, messages: {} };
    useContainers().operations = [operation({ id: "7", app: "", kind: "backup-restore-all", state: "failed", error })];
    await until(() => expect(page.text()).toContain("it needs knots"));
    expect(paramsOf(asked, "backup-restore")).toEqual([]);
  });
});
