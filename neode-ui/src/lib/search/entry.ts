import Fuse from "fuse.js";
import type { Component } from "vue";
import type { RouteLocationRaw } from "vue-router";

export type Group = "app" | "place" | "setting" | "action" | "operation" | "help";

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
/** Groups that are shown before anything is typed. */
const AT_FIRST: readonly Group[] = ["app", "place"];

/** Returns what finds entries by what somebody types, typing errors included: the best of each group, the best group first. */
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
  });
  return (text) => {
    const wanted = text.trim();
    const found = wanted ? fuse.search(wanted, { limit: 60 }).map((one) => one.item) : entries;
    const groups = wanted ? new Set(found.map((one) => one.group)) : AT_FIRST;
    return [...groups].flatMap((group) => found.filter((one) => one.group === group).slice(0, MOST));
  };
}
