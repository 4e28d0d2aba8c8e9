import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { OperationState, Permission, Step } from "../../src/api/types";
import OperationProgress from "../../src/components/OperationProgress.vue";
import { useContainers } from "../../src/stores/container";
import { begin, button, mounted, words } from "./mounted";
import { harmless, operation, step, summary } from "../samples";
import { answering, paramsOf, Refusal } from "../standIn";
import { until } from "../until";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const RETRY = words("operations.retry");
const CANCEL = words("operations.cancel");
const STEPS: Step[] = [
  step({ name: "stop", state: "done", percent: 100 }),
  step({ name: "start", percent: 10, detail: "\x1b[31mlayer 3" }),
];

async function shown(permissions: Permission[], own: Parameters<typeof operation>[0], props = {}) {
  begin(...permissions);
  return mounted(OperationProgress, { operation: operation(own), retriable: true, ...props });
}

describe("an operation under way", () => {
  it("shows how far it is, for those who look and those who listen", async () => {
    const { page } = await shown([], { state: "running", percent: 41.6, steps: STEPS });
    expect(page.get("h2").text()).toBe(words("opKind.restart", { app: "bitcoin-knots" }));
    expect(page.text()).toContain(`${words("opState.running")} · 42%`);
    const bar = page.get("[role=progressbar]");
    expect([bar.attributes("aria-valuenow"), bar.attributes("aria-label")]).toEqual([
      "42",
      words("opKind.restart", { app: "bitcoin-knots" }),
    ]);
    expect(page.findAll("li").map((one) => one.text())).toEqual(["stop", "start · layer 3"]);
  });

  it("says how fast its bytes move, and how long the rest takes", async () => {
    const copying = (at: number, done: number) =>
      operation({
        kind: "backup",
        updated_at: new Date(at).toISOString(),
        steps: [step({ name: "write the backup", bytes_done: done, bytes_total: 100 * 2 ** 20 })],
      });
    begin();
    const { page, give } = await mounted(OperationProgress, { operation: copying(0, 0) });
    expect(page.text()).toContain(words("common.of", { a: "0 B", b: "100 MiB" }));
    give({ operation: copying(10_000, 50 * 2 ** 20) });
    await flushPromises();
    expect(page.text()).toContain(words("operations.moving", { amount: "50 MiB of 100 MiB", speed: "5 MiB" }));
    expect(page.text()).toContain(words("operations.left", { time: "10 seconds" }));
    give({ operation: operation({ kind: "backup", state: "done" }) });
    await flushPromises();
    expect(page.text()).not.toContain("MiB");
  });

  it("is cancelled at the press of a button by who may, as long as that brings back what was", async () => {
    const { page } = await shown(["manage"], { id: "7", cancellable: true });
    const asked = answering({ "operation-cancel": () => operation() });
    await button(page, CANCEL)?.trigger("click");
    expect(paramsOf(asked, "operation-cancel")).toEqual([{ id: "7" }]);
  });

  it("is not cancelled past that point, nor by who may only start and stop apps", async () => {
    expect(button((await shown(["operate", "manage"], { cancellable: false })).page, CANCEL)).toBeUndefined();
    expect(button((await shown(["operate"], { cancellable: true })).page, CANCEL)).toBeUndefined();
  });

  it("says why it could not be cancelled", async () => {
    const { page } = await shown(["operate", "manage"], { cancellable: true });
    answering({ "operation-cancel": () => Promise.reject(new Refusal("busy", "it is too late")) });
    await button(page, CANCEL)?.trigger("click");
    await until(() => expect(page.get("[role=alert]").text()).toContain("it is too late"));
  });

  it("counts the time until it is over", async () => {
    vi.useFakeTimers({ now: Date.parse("2026-01-01T00:00:10Z") });
    const times = { created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:05Z" };
    const { page, give } = await shown([], times);
    expect(page.text()).toContain("10 seconds");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(page.text()).toContain("15 seconds");
    give({ operation: operation({ ...times, state: "done" }) });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(page.text()).toContain("5 seconds");
    expect(page.find("[role=progressbar]").exists()).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("an operation that is over", () => {
  it("is not cancelled", async () => {
    for (const state of ["done", "failed", "cancelled"] as const) {
      expect(
        button((await shown(["operate", "manage"], { state, cancellable: true })).page, CANCEL),
        state,
      ).toBeUndefined();
    }
  });

  it("says why it failed, and what helps", async () => {
    const error = { code: "x", message: "no space is left", hint: "remove something", data: {} };
    const { page } = await shown([], { state: "failed", error });
    expect(page.text()).toContain("no space is left");
    expect(page.text()).toContain("remove something");
  });

  it.each<[OperationState, boolean]>([
    ["pending", false],
    ["running", false],
    ["done", false],
    ["failed", true],
    ["cancelled", true],
  ])("is tried again where it was not done: %s", async (state, offered) => {
    const { page } = await shown(["operate"], { state });
    expect(button(page, RETRY) !== undefined).toBe(offered);
  });

  it("is tried again by the same call", async () => {
    const { page } = await shown(["operate"], { state: "failed", kind: "stop" });
    const asked = answering({ ...harmless, "container-stop": () => operation() });
    await button(page, RETRY)?.trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "container-stop")).toEqual([{ app: "bitcoin-knots", agreed: [] }]);
  });

  it("is tried again only by who may do it, and where one is asked", async () => {
    expect(button((await shown([], { state: "failed" })).page, RETRY)).toBeUndefined();
    expect(button((await shown(["operate"], { state: "failed", kind: "update" })).page, RETRY)).toBeUndefined();
    expect(button((await shown(["manage"], { state: "failed", kind: "update" })).page, RETRY)).toBeDefined();
    expect(button((await shown(["operate"], { state: "failed" }, { retriable: false })).page, RETRY)).toBeUndefined();
    expect(
      button((await shown(["operate", "manage"], { state: "failed", kind: "configure" })).page, RETRY),
    ).toBeUndefined();
  });

  it("leads to the plan where it was to install an app that is not there", async () => {
    const own = { state: "failed", kind: "install" } as const;
    expect(button((await shown(["manage"], own)).page, RETRY)?.attributes("href")).toBe("/store/bitcoin-knots");
    expect(button((await shown(["operate"], own)).page, RETRY)).toBeUndefined();
    begin("manage");
    useContainers().apps = [summary()];
    const { page } = await mounted(OperationProgress, { operation: operation(own), retriable: true });
    expect(button(page, RETRY)).toBeUndefined();
  });
});

describe("the steps of a folded operation", () => {
  const steps = STEPS.slice(0, 1);

  it("are shown once they are asked for, where it went well", async () => {
    const { page } = await shown([], { state: "done", steps }, { folded: true });
    expect(page.find("li").exists()).toBe(false);
    await button(page, words("operations.showSteps", {}, 1))?.trigger("click");
    expect(page.findAll("li")).toHaveLength(1);
    expect(button(page, words("operations.hideSteps"))?.attributes("aria-expanded")).toBe("true");
  });

  it("are shown at once where it failed or goes on", async () => {
    for (const state of ["failed", "running"] as const) {
      expect((await shown([], { state, steps }, { folded: true })).page.findAll("li"), state).toHaveLength(1);
    }
  });
});
