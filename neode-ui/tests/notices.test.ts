import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CatalogEntry, Finding, Severity } from "../src/api/types";
import { useContainers } from "../src/stores/container";
import { useNotices } from "../src/stores/notices";
import { entry, event, harmless, operation, plan, summary, system } from "./samples";
import { answering, connect, hide, Later, paramsOf, Refusal, standInSocket } from "./standIn";

beforeEach(() => {
  standInSocket();
  setActivePinia(createPinia());
});
afterEach(() => {
  useNotices().rest();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function finding(severity: Severity, what: string): Finding {
  return { check: what, severity, what, why: "", mend: "" };
}

/** Returns the notices, with what the node's doctor and catalog say. */
async function examined(findings: Finding[], offered: CatalogEntry[] = []) {
  answering({ doctor: () => findings, "catalog-list": () => offered });
  await useNotices().examine();
  return useNotices();
}

const keys = () => useNotices().all.map((one) => one.key);

describe("the first examination", () => {
  it("has not ended before the doctor has answered", async () => {
    const later = new Later<Finding[]>();
    answering({ doctor: () => later.promise, "catalog-list": () => [] });
    const examination = useNotices().examine();
    expect(useNotices().known).toBe(false);
    later.give([]);
    await examination;
    expect(useNotices().known).toBe(true);
  });

  it("has ended when it failed: nobody waits for what does not come", async () => {
    answering({ doctor: () => Promise.reject(new Refusal("internal")), "catalog-list": () => [] });
    await useNotices().examine();
    expect(useNotices().known).toBe(true);
  });
});

describe("an app in trouble", () => {
  it("is an error with its reason, that leads to its log", () => {
    useContainers().apps = [summary({ app: "knots", name: "Knots", state: "unhealthy", reason: "no answer" }), summary()];
    expect(useNotices().all).toMatchObject([
      {
        level: "error",
        text: "notice.troubled",
        about: { name: "Knots" },
        detail: "no answer",
        to: { name: "app", params: { app: "knots", tab: "logs" } },
      },
    ]);
  });

  it("is mended by a restart", async () => {
    useContainers().apps = [summary({ app: "knots", state: "failed" })];
    const mend = useNotices().all[0]?.mend;
    expect(mend).toMatchObject({ text: "apps.restart", permission: "operate" });
    const asked = answering({ ...harmless, "container-restart": () => operation() });
    await mend?.run();
    expect(paramsOf(asked, "container-restart")).toEqual([{ app: "knots" }]);
  });

  it("is not mended while something is done with it already", () => {
    useContainers().apps = [summary({ state: "failed", operation: "1" })];
    expect(useNotices().all[0]?.mend).toBeUndefined();
  });
});

describe("the disk", () => {
  const disk = (share: number, seconds: number | null = null) => {
    useContainers().system = system({ disk_total: 1000, disk_free: share * 1000, disk_full_in: seconds });
    return useNotices().all.map(({ level, text }) => ({ level, text }));
  };

  it("is no matter while enough is left", () => {
    expect(useNotices().all).toEqual([]);
    expect(disk(0.5)).toEqual([]);
    expect(disk(0.1)).toEqual([]);
    expect(disk(0.5, 30 * 86_400)).toEqual([]);
  });

  it("is a warning when little is left, and an error when hardly anything is", () => {
    expect(disk(0.09)).toEqual([{ level: "warning", text: "notice.disk" }]);
    expect(disk(0.02)).toEqual([{ level: "error", text: "notice.disk" }]);
  });

  it("is a warning when it will be full within a week", () => {
    expect(disk(0.5, 6 * 86_400)).toEqual([{ level: "warning", text: "notice.diskSoon" }]);
    expect(disk(0.09, 3600)).toEqual([{ level: "warning", text: "notice.disk" }]);
  });
});

describe("what the doctor found", () => {
  it("is one notice of each level, with their number and the first of them", async () => {
    const notices = await examined([finding("warning", "swap"), finding("error", "clock"), finding("warning", "limits")]);
    expect(notices.all).toMatchObject([
      { level: "error", text: "notice.errors", about: { n: 1 }, detail: "clock", to: { name: "system" } },
      { level: "warning", text: "notice.warnings", about: { n: 2 }, detail: "swap" },
    ]);
  });

  it("is none where all is fine or worth a mere note", async () => {
    expect((await examined([finding("ok", "podman"), finding("note", "no sensor")])).all).toEqual([]);
  });
});

describe("an operation that failed", () => {
  const failed = (own = {}) =>
    operation({ id: "9", state: "failed", error: { code: "x", message: "no space", hint: "", data: {} }, ...own });

  it("is a warning with what went wrong", () => {
    useContainers().operations = [failed({ app: "knots" })];
    expect(useNotices().all).toMatchObject([
      { level: "warning", text: "notice.failed", about: { app: "knots" }, detail: "no space", to: { name: "operations" } },
    ]);
  });

  it("is none once something was done with the app since", () => {
    useContainers().operations = [operation({ id: "10", state: "done" }), failed(), failed({ id: "3", app: "electrumx" })];
    expect(keys()).toEqual(["operation 3"]);
  });

  it("is told once for an app that failed again and again", () => {
    useContainers().operations = [failed({ id: "11" }), failed({ id: "10" })];
    expect(keys()).toEqual(["operation 11"]);
  });

  it.each([
    ["start", "container-start", "operate"],
    ["stop", "container-stop", "operate"],
    ["restart", "container-restart", "operate"],
    ["update", "container-update", "manage"],
  ] as const)("to %s an app is mended by doing it again", async (kind, method, permission) => {
    useContainers().operations = [failed({ kind, app: "knots" })];
    const mend = useNotices().all[0]?.mend;
    expect(mend).toMatchObject({ text: "operations.retry", permission });
    const asked = answering({ ...harmless, plan: () => plan(), [method]: () => operation() });
    await mend?.run();
    expect(paramsOf(asked, method)).toMatchObject([{ app: "knots" }]);
  });

  it("is not repeated where that needs more than the app", () => {
    useContainers().operations = [failed({ kind: "install", app: "knots" }), failed({ kind: "configure", app: "electrumx" })];
    expect(useNotices().all.map((one) => one.mend)).toEqual([undefined, undefined]);
    expect(useNotices().all[0]?.to).toEqual({ name: "plan", params: { app: "knots" } });
  });
});

describe("an update", () => {
  it("is a note for each app of which the node says so, with the version", async () => {
    const notices = await examined([], [
      entry({ app: "old", name: "Old", version: "1.10", installed: "1.9", update_to: "1.10" }),
      entry({ app: "other", version: "1.10", installed: "1.9", update_to: null }),
      entry({ app: "absent", version: "1.10", installed: null, update_to: null }),
    ]);
    expect(notices.all).toMatchObject([
      { key: "update old", level: "note", text: "home.update", about: { name: "Old", version: "1.10" }, to: { name: "app", params: { app: "old" } } },
    ]);
    expect(notices.all[0]?.mend).toMatchObject({ text: "notice.update", permission: "manage" });
    const asked = answering({ plan: () => plan(), "container-update": () => operation() });
    await notices.all[0]?.mend?.run();
    expect(paramsOf(asked, "container-update")).toEqual([{ app: "old", plan: "d1" }]);
  });

  it("is not offered while something is done with the app", async () => {
    const notices = await examined([], [entry({ app: "old", installed: "1.9", update_to: "1.10" })]);
    useContainers().operations = [operation({ app: "old", kind: "update", state: "running" })];
    expect(notices.all).toEqual([]);
  });
});

describe("a change of how one logs in", () => {
  const change = { id: 7, action: "totp-confirm", subject: "owner", by: "owner", origin: "192.168.1.5", at: "2026-01-01T00:00:00Z" };
  const answers = { doctor: () => [], "catalog-list": () => [] };

  it("is told at once when the node says that there is news, with a way on, until it is taken away", async () => {
    const told = [change];
    const asked = answering({ ...answers, "notice-list": () => told.slice(), "notice-dismiss": () => (told.pop(), null) });
    const notices = useNotices();
    told.pop();
    notices.watchOver();
    const socket = connect();
    await vi.waitFor(() => expect(paramsOf(asked, "notice-list")).toHaveLength(1));
    expect(notices.all).toEqual([]);
    told.push(change);
    socket.notifies("event", { subscription: 1, event: event({ kind: "notice", app: null }) });
    await vi.waitFor(() => expect(notices.urgent).toBe(1));
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
    await vi.waitFor(() => expect(notices.all).toHaveLength(1));
    notices.rest();
    expect(notices.all).toEqual([]);
  });
});

describe("all notices", () => {
  it("have the gravest first, and count all but notes as urgent", async () => {
    const notices = await examined(
      [finding("warning", "swap"), finding("error", "clock")],
      [entry({ app: "old", installed: "1.9", update_to: "1.10" })],
    );
    const store = useContainers();
    store.apps = [summary({ app: "ill", state: "failed" })];
    store.system = system({ disk_total: 100, disk_free: 5 });
    store.operations = [operation({ id: "9", state: "failed" })];
    expect(notices.all.map((one) => one.level)).toEqual(["error", "error", "warning", "warning", "warning", "note"]);
    expect(keys()).toEqual(["app ill", "doctor error", "disk", "doctor warning", "operation 9", "update old"]);
    expect(notices.urgent).toBe(5);
  });
});

describe("the examination", () => {
  const answers = { doctor: () => [finding("error", "clock")], "catalog-list": () => [] };

  it("is done at once, and then every five minutes while somebody looks", async () => {
    vi.useFakeTimers();
    const asked = answering(answers);
    const notices = useNotices();
    notices.watchOver();
    await vi.advanceTimersByTimeAsync(0);
    expect(notices.urgent).toBe(1);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(paramsOf(asked, "doctor")).toHaveLength(3);
    hide();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(paramsOf(asked, "doctor")).toHaveLength(3);
  });

  it("rests when nobody is logged in, and leaves nothing behind", async () => {
    vi.useFakeTimers();
    const asked = answering(answers);
    const notices = useNotices();
    notices.watchOver();
    await vi.advanceTimersByTimeAsync(0);
    notices.rest();
    expect(notices.all).toEqual([]);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(paramsOf(asked, "doctor")).toHaveLength(1);
  });

  it("finds nothing any more where nobody is logged in by the time of its end", async () => {
    const late = new Later<Finding[]>();
    answering({ doctor: () => late.promise, "catalog-list": () => [entry({ installed: "1.9", update_to: "1.10" })] });
    const notices = useNotices();
    const examination = notices.examine();
    notices.rest();
    late.give([finding("error", "clock")]);
    await examination;
    expect(notices.all).toEqual([]);
  });

  it("keeps what was found where the node fails", async () => {
    const notices = await examined([finding("error", "clock")]);
    answering({ doctor: () => Promise.reject(new Refusal("internal")), "catalog-list": () => [] });
    await notices.examine();
    expect(keys()).toEqual(["doctor error"]);
  });
});
