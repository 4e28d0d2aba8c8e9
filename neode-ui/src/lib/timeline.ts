import type { HealthState } from "../api/types";

/** A change of health; `at` in milliseconds since 1970. */
export interface Change {
  at: number;
  state: HealthState;
}

/** A part of a span of time, from 0 to 1 of it, and how it was then; undefined where nobody knows. */
export interface Segment {
  share: number;
  state: HealthState | undefined;
}

/**
 * Returns changes that the node lists newest first, oldest first, and none later than what came after it: a clock that was
 * ahead has dated those from before it was set back.
 */
export function inOrder(changes: Change[]): Change[] {
  let next = Infinity;
  return changes.map(({ at, state }) => ({ at: (next = Math.min(next, at)), state })).reverse();
}

/** Cuts the span between two moments at the changes that lie in it; `changes` are in any order. */
export function segments(changes: Change[], from: number, to: number): Segment[] {
  const sorted = [...changes].sort((one, other) => one.at - other.at);
  const before = sorted.filter((one) => one.at <= from).at(-1);
  const cuts = [{ at: from, state: before?.state }, ...sorted.filter((one) => one.at > from && one.at < to)];
  return cuts.flatMap(({ at, state }, index) => {
    const share = ((cuts[index + 1]?.at ?? to) - at) / (to - from);
    return share > 0 ? [{ share, state }] : [];
  });
}
