import type { AppOnTarget } from "./proof";

/** Returns rounds in which each app is only once: the node works on an app for one target at a time. */
export function rounds(all: readonly AppOnTarget[]): AppOnTarget[][] {
  const found: AppOnTarget[][] = [];
  const seen = new Map<string, number>();
  for (const one of all) {
    const round = seen.get(one.app) ?? 0;
    seen.set(one.app, round + 1);
    (found[round] ??= []).push(one);
  }
  return found;
}
