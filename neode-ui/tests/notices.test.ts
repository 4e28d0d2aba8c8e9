import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nextTick } from "vue";
import { live } from "../src/api/live";
import type { Notice } from "../src/api/types";
import { useContainers } from "../src/stores/container";
import { useNotices } from "../src/stores/notices";
import { event, harmless, notice, operation, plan, summary, troubled, updatable } from "./samples";
import { answering, connect, hide, Later, paramsOf, Refusal, standInSocket } from "./standIn";
import { until } from "./until";

beforeEach(() => {
  standInSocket();
  setActivePinia(createPinia());
});
afterEach(() => {
  useNotices().rest();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Returns the notices, where the node tells these. */
async function told(...notices: Notice[]) {
  answering({ "node-notices": () => notices });
  await useNotices().examine();
  return useNotices();
}

const failed = (own: Partial<Notice> = {}) =>
  notice({
    id: "operation:9",
    kind: "operation",
    app: "knots",
    name: "Knots",
    operation: "9",
    detail: "no space",
    ...own,
  });

describe("the first look", () => {
  it("has not ended before the node has answered", async () => {
    const later = new Later<Notice[]>();
    answering({ "node-notices": () => later.promise });
    const examination = useNotices().examine();
    expect(useNotices().known).toBe(false);
    later.give([]);
    await examination;
    expect(useNotices().known).toBe(true);
  });

  it("is taken again once the node sends what changes: what changed in between came to nobody", async () => {
    vi.useFakeTimers();
    const asked = answering({
      ...harmless,
      "node-notices": () => [],
      "notice-list": () => [],
      "catalog-list": () => [],
    });
    useNotices().watchOver();
    await vi.advanceTimersByTimeAsync(0);
    const before = paramsOf(asked, "notice-list").length;
    connect();
    await vi.advanceTimersByTimeAsync(0);
    expect(paramsOf(asked, "notice-list").length).toBe(before + 1);
    live.close();
  });

  it("has ended when it failed: nobody waits for what does not come", async () => {
    answering({ "node-notices": () => Promise.reject(new Refusal("internal")) });
    await useNotices().examine();
    expect(useNotices().known).toBe(true);
  });
});

describe("a notice", () => {
  it("about an app leads to its log, and is fixed by a restart unless something is done with it already", async () => {
    const notices = await told(troubled());
    expect(notices.all).toMatchObject([
      {
        level: "error",
        text: "notice.troubled",
        about: { name: "Knots" },
        detail: "exit code 1",
        to: { name: "app", params: { app: "knots", tab: "logs" } },
      },
    ]);
    const fix = notices.all[0]?.fix;
    expect(fix).toMatchObject({ text: "apps.restart", permission: "operate" });
    const asked = answering({ ...harmless, "container-restart": () => operation() });
    await fix?.run();
    expect(paramsOf(asked, "container-restart")).toEqual([{ app: "knots" }]);
    useContainers().apps = [summary({ app: "knots", state: "failed", operation: "1" })];
    expect(notices.all[0]?.fix).toBeUndefined();
  });

  it("about disk or host leads to the host", async () => {
    const notices = await told(
      notice({ id: "disk:data", kind: "disk" }),
      notice({ id: "disk:soon", kind: "disk-soon" }),
      notice(),
      notice({ id: "channel:1", kind: "channel", name: "phone" }),
    );
    expect(notices.all).toMatchObject([
      { text: "notice.disk", to: { name: "system" } },
      { text: "notice.diskSoon", to: { name: "system" } },
      { text: "notice.finding", about: { what: "no swap" }, to: { name: "system" } },
      { text: "notice.channel", about: { name: "phone" }, to: { name: "system", hash: "#notifications" } },
    ]);
  });

  it.each([
    ["start", "container-start", "operate"],
    ["stop", "container-stop", "operate"],
    ["restart", "container-restart", "operate"],
    ["update", "container-update", "manage"],
  ] as const)("about a failed operation to %s an app is fixed by doing it again", async (kind, method, permission) => {
    useContainers().operations = [operation({ id: "9", state: "failed", kind, app: "knots" })];
    const notices = await told(failed());
    expect(notices.all).toMatchObject([
      {
        level: "warning",
        text: "notice.failed",
        about: { app: "Knots" },
        detail: "no space",
        to: { name: "operations" },
      },
    ]);
    const fix = notices.all[0]?.fix;
    expect(fix).toMatchObject({ text: "operations.retry", permission });
    const asked = answering({ ...harmless, plan: () => plan(), [method]: () => operation() });
    await fix?.run();
    expect(paramsOf(asked, method)).toMatchObject([{ app: "knots" }]);
  });

  it("about a failed operation is not repeated where that needs more than the app", async () => {
    useContainers().operations = [operation({ id: "9", state: "failed", kind: "install", app: "knots" })];
    const notices = await told(failed(), failed({ id: "operation:8", operation: "8" }));
    expect(notices.all.map((one) => one.fix)).toEqual([undefined, undefined]);
    expect(notices.all.map((one) => one.to)).toEqual([
      { name: "plan", params: { app: "knots" } },
      { name: "operations" },
    ]);
  });

  it("about an update brings it", async () => {
    const notices = await told(updatable());
    expect(notices.all).toMatchObject([
      {
        level: "note",
        text: "home.update",
        about: { name: "LND", version: "1.10" },
        to: { name: "app", params: { app: "lnd" } },
      },
    ]);
    expect(notices.all[0]?.fix).toMatchObject({ text: "notice.update", permission: "manage" });
    const asked = answering({ plan: () => plan(), "container-update": () => operation() });
    await notices.all[0]?.fix?.run();
    expect(paramsOf(asked, "container-update")).toEqual([{ app: "lnd", plan: "d1" }]);
  });

  it("that was put aside is in a list of its own, and makes nothing urgent", async () => {
    const notices = await told(troubled({ hidden: "muted" }), notice({ hidden: "acknowledged" }), failed());
    expect(notices.all.map((one) => one.key)).toEqual(["operation:9"]);
    expect(notices.aside.map((one) => one.key)).toEqual(["app:knots", notice().id]);
    expect(notices.urgent).toBe(1);
  });
});

describe("a change of how one logs in", () => {
  const change = {
    id: 7,
    action: "totp-confirm",
    subject: "owner",
    by: "owner",
    origin: "192.168.1.5",
    at: "2026-01-01T00:00:00Z",
  };
  const answers = { "node-notices": () => [] };

  it("is told at once when the node says that there is news, with a way on, until it is taken away", async () => {
    const said = [change];
    const asked = answering({
      ...answers,
      "notice-list": () => said.slice(),
      "notice-dismiss": () => (said.pop(), null),
    });
    const notices = useNotices();
    said.pop();
    notices.watchOver();
    await nextTick();
    const socket = connect();
    await until(() => expect(paramsOf(asked, "notice-list")).toHaveLength(2));
    expect(notices.all).toEqual([]);
    said.push(change);
    socket.notifies("event", { subscription: 1, event: event({ kind: "notice", app: null }) });
    await until(() => expect(notices.urgent).toBe(1));
    // Somebody may as well have put one aside elsewhere.
    await until(() => expect(paramsOf(asked, "node-notices")).toHaveLength(3));
    const { text, done, to, dismiss } = notices.all[0]!;
    expect({ text, done, to }).toEqual({
      text: "notice.account.totp-confirm",
      done: { by: "owner", origin: "192.168.1.5", at: change.at },
      to: { name: "security" },
    });
    await dismiss?.();
    expect(paramsOf(asked, "notice-dismiss")).toEqual([{ id: 7 }]);
    expect(notices.all).toEqual([]);
  });

  it("is told to nobody who has left", async () => {
    answering({ ...answers, "notice-list": () => [change] });
    const notices = useNotices();
    notices.watchOver();
    await until(() => expect(notices.all).toHaveLength(1));
    notices.rest();
    expect(notices.all).toEqual([]);
  });
});

describe("all notices", () => {
  it("have the gravest first, and count all but notes as urgent", async () => {
    const notices = await told(updatable(), notice(), troubled(), failed());
    expect(notices.all.map((one) => one.key)).toEqual(["app:knots", notice().id, "operation:9", "update:lnd"]);
    expect(notices.urgent).toBe(3);
  });
});

describe("the look at what needs somebody", () => {
  const answers = { "node-notices": () => [troubled()] };

  it("is taken at once, after each change, and every five minutes while somebody looks", async () => {
    vi.useFakeTimers();
    const asked = answering(answers);
    const notices = useNotices();
    notices.watchOver();
    await vi.advanceTimersByTimeAsync(0);
    expect(notices.urgent).toBe(1);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(paramsOf(asked, "node-notices")).toHaveLength(3);
    useContainers().operations = [operation()];
    await vi.advanceTimersByTimeAsync(0);
    expect(paramsOf(asked, "node-notices")).toHaveLength(4);
    hide();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(paramsOf(asked, "node-notices")).toHaveLength(4);
  });

  it("rests when nobody is logged in, and leaves nothing behind", async () => {
    vi.useFakeTimers();
    const asked = answering(answers);
    const notices = useNotices();
    notices.watchOver();
    await vi.advanceTimersByTimeAsync(0);
    notices.rest();
    expect(notices.all).toEqual([]);
    useContainers().operations = [operation()];
    await vi.advanceTimersByTimeAsync(600_000);
    expect(paramsOf(asked, "node-notices")).toHaveLength(1);
  });

  it("finds nothing any more where nobody is logged in by the time of its end", async () => {
    const late = new Later<Notice[]>();
    answering({ "node-notices": () => late.promise });
    const notices = useNotices();
    const examination = notices.examine();
    notices.rest();
    late.give([troubled()]);
    await examination;
    expect(notices.all).toEqual([]);
  });

  it("keeps what was found where the node fails", async () => {
    const notices = await told(troubled());
    answering({ "node-notices": () => Promise.reject(new Refusal("internal")) });
    await notices.examine();
    expect(notices.all.map((one) => one.key)).toEqual(["app:knots"]);
  });
});
