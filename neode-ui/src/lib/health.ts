import type { HealthState } from "../api/types";

const TROUBLED: HealthState[] = ["failed", "unhealthy", "backing-off"];
const PASSING: HealthState[] = ["starting", "syncing", "waiting", "stopping"];

/** Tells whether an app in this state needs somebody. */
export function isTroubled(state: HealthState): boolean {
  return TROUBLED.includes(state);
}

/** Tells whether a state passes by itself. */
export function isPassing(state: HealthState): boolean {
  return PASSING.includes(state);
}

/** Returns the design token for the colour of a state. */
export function toneOf(state: HealthState | undefined): "good" | "wait" | "bad" | "faint" {
  if (state === "healthy") return "good";
  if (state === undefined || state === "stopped") return "faint";
  return isTroubled(state) ? "bad" : "wait";
}
