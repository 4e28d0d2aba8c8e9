import { afterEach, describe, expect, it, vi } from "vitest";
import { containers, repeat } from "../src/container-client";
import { duration, isOver, justEnded, stillComing } from "../src/lib/operations";
import { harmless, operation, step } from "./samples";
import { answering, paramsOf } from "./standIn";

afterEach(() => vi.unstubAllGlobals());

const ids = (found: Array<{ id: string }>) => found.map((one) => one.id);

describe("isOver", () => {
  it("is said of what has ended, well or not", () => {
    const states = ["pending", "running", "done", "failed", "cancelled"] as const;
    expect(states.filter((state) => isOver({ state }))).toEqual(["done", "failed", "cancelled"]);
  });
});

describe("stillComing", () => {
  it("names the apps that are not up yet though the operation is done, with the reason", () => {
    const ended = (name: string, detail: string) => step({ name, detail, state: "done", percent: 100 });
    const steps = [
      ended("build image of electrumx", "from the cache"),
      ended("start knots", "healthy"),
      ended("start electrumx", "waiting: waits for knots"),
    ];
    expect(stillComing(operation({ state: "done", steps }))).toEqual(["electrumx: waiting: waits for knots"]);
  });
});

describe("justEnded", () => {
  it("names what was under way and is over now", () => {
    const before = [operation({ id: "a" }), operation({ id: "b", state: "pending" }), operation({ id: "c" })];
    const now = [
      operation({ id: "a", state: "done" }),
      operation({ id: "b", state: "failed" }),
      operation({ id: "c" }),
    ];
    expect(ids(justEnded(before, now))).toEqual(["a", "b"]);
  });

  it("names nothing that had ended before, or that nobody saw under way", () => {
    const before = [operation({ id: "a", state: "done" })];
    expect(
      justEnded(before, [operation({ id: "a", state: "done" }), operation({ id: "new", state: "failed" })]),
    ).toEqual([]);
    expect(justEnded([], before)).toEqual([]);
  });

  it("names nothing that is no longer in the list", () => {
    expect(justEnded([operation({ id: "a" })], [])).toEqual([]);
  });
});

describe("duration", () => {
  const times = { created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:01:30Z" };
  const now = Date.parse("2026-01-01T00:10:00Z");

  it("goes on until an operation is over", () => {
    expect(duration(operation({ ...times, state: "running" }), now)).toBe(600);
    expect(duration(operation({ ...times, state: "failed" }), now)).toBe(90);
  });

  it("is never negative, whatever the browser's clock says", () => {
    expect(duration(operation(times), now - 86_400_000)).toBe(0);
  });
});

describe("what an owner does with an app", () => {
  it("is asked of the node by its name", async () => {
    const done = () => operation();
    const methods = [
      "container-start",
      "container-remove",
      "container-install",
      "container-config",
      "operation-cancel",
    ] as const;
    const preview = () => ({
      changes: [],
      restarts: ["knots"],
      installs: ["tor"],
      plan: "d2",
      interrupts: [],
      data: [],
    });
    const asked = answering({
      ...Object.fromEntries(methods.map((method) => [method, done])),
      "config-preview": preview,
    });
    await containers.start("knots");
    await containers.remove("knots", true);
    await containers.install("knots", { chain: "signet" }, { "electrum-server": "electrumx" });
    await containers.configure("knots", { prune: "550" }, ["chain"]);
    await containers.cancel("7");
    expect(asked.filter(({ method }) => method !== "config-preview")).toEqual([
      { method: "container-start", params: { app: "knots" } },
      { method: "container-remove", params: { app: "knots", delete_data: true } },
      {
        method: "container-install",
        params: { app: "knots", options: { chain: "signet" }, choices: { "electrum-server": "electrumx" } },
      },
      {
        method: "container-config",
        params: { app: "knots", options: { prune: "550" }, reset: ["chain"], agreed: ["knots", "tor"], plan: "d2" },
      },
      { method: "operation-cancel", params: { id: "7" } },
    ]);
  });

  it("is repeated where that needs nothing but the app", async () => {
    const asked = answering({ ...harmless, "container-stop": () => operation() });
    await repeat(operation({ kind: "stop", app: "knots" }))?.();
    expect(paramsOf(asked, "container-stop")).toEqual([{ app: "knots", agreed: [] }]);
    for (const kind of ["install", "remove", "configure", "secrets"] as const)
      expect(repeat(operation({ kind }))).toBeUndefined();
  });
});
