import { describe, expect, it } from "vitest";
import type { AppSummary } from "../src/api/types";
import { greetingAt, statusOf } from "../src/lib/greeting";
import { summary } from "./samples";

const said = (...apps: AppSummary[]) => statusOf(apps, String).key.slice("home.status.".length);

describe("statusOf", () => {
  const fine = summary();
  const broken = summary({ state: "failed", name: "B" });
  it("says what is broken before anything else", () => {
    expect(statusOf([fine, broken], String)).toEqual({ key: "home.status.oneTroubled", about: { name: "B" } });
    expect(said(broken, broken, fine)).toBe("troubled");
  });
  it("says what is going on", () => {
    expect(said(summary({ state: "syncing", percent: 3.1 }), fine)).toBe("syncing");
    expect(said(summary({ state: "starting" }), fine)).toBe("starting");
    expect(said(fine)).toBe("runs");
    expect(said(summary({ state: "stopped", desired: "stopped" }))).toBe("stopped");
    expect(said()).toBe("empty");
  });
});

describe("greetingAt", () => {
  it("knows the time of day", () => {
    expect([0, 4, 5, 10, 11, 17, 18, 23].map(greetingAt)).toEqual([
      "evening",
      "evening",
      "morning",
      "morning",
      "day",
      "day",
      "evening",
      "evening",
    ]);
  });
});
