import { describe, expect, it } from "vitest";
import type { HealthState } from "../src/api/types";
import { isTroubled, toneOf } from "../src/lib/health";

const TONES: Record<HealthState, string> = {
  starting: "wait",
  syncing: "wait",
  healthy: "good",
  unhealthy: "bad",
  "backing-off": "bad",
  waiting: "wait",
  stopping: "wait",
  stopped: "faint",
  failed: "bad",
};

describe("health", () => {
  it("has a colour for each state, and one for what nobody knows", () => {
    for (const [state, tone] of Object.entries(TONES)) expect(toneOf(state as HealthState), state).toBe(tone);
    expect(toneOf(undefined)).toBe("faint");
  });

  it("is trouble exactly where it is drawn as such", () => {
    for (const [state, tone] of Object.entries(TONES))
      expect(isTroubled(state as HealthState), state).toBe(tone === "bad");
  });
});
