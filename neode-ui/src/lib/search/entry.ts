import Fuse from "fuse.js";
import type { Component } from "vue";
import type { RouteLocationRaw } from "vue-router";

/** What can be found, in the order in which the groups are shown. */
export const GROUPS = ["app", "place", "setting", "action", "operation", "help"] as const;
export type Group = (typeof GROUPS)[number];

/** Something that can be found: a place to go to, or something to do. */
export interface Entry {
  id: string;
  group: Group;
  text: string;
  /** What it belongs to, or what it says more. */
  hint: string;
  /** Other words by which it is found. */
  words?: string;
  icon?: Component;
  /** App whose icon it has. */
  app?: { app: string; name: string; icon: string | null };
  to?: RouteLocationRaw;
  run?: () => void;
}

/** How many of a group are shown. */
const MOST = 6;

/** Returns what finds entries by what somebody types, typing errors included: the best of each group, in the order of groups. */
export function finder(entries: readonly Entry[]): (text: string) => Entry[] {
  const fuse = new Fuse(entries, {
    keys: [
      { name: "text", weight: 3 },
      { name: "hint", weight: 1 },
      { name: "words", weight: 1 },
    ],
    threshold: 0.34,
    ignoreLocation: true,
    ignoreDiacritics: true,
    includeScore: true,
  });
  return (text) => {
    const wanted = text.trim();
    const found = wanted
      ? fuse.search(wanted, { limit: 60 }).map((one) => one.item)
      : entries.filter((one) => one.group === "app" || one.group === "place");
    const best = new Map<Group, number>();
    found.forEach((one, at) => best.has(one.group) || best.set(one.group, at));
    const order = wanted
      ? [...best.keys()].sort((one, other) => (best.get(one) ?? 0) - (best.get(other) ?? 0))
      : GROUPS.filter((group) => best.has(group));
    return order.flatMap((group) => found.filter((one) => one.group === group).slice(0, MOST));
  };
}
