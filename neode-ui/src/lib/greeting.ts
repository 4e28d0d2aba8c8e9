import type { AppSummary } from "../api/types";
import { isTroubled } from "./health";

/** A text of the page: its key, and what it is about. */
export interface Said {
  key: string;
  about: Record<string, string | number>;
}

/** Returns the words of the time of day. */
export function greetingAt(hour: number): "morning" | "day" | "evening" {
  if (hour >= 5 && hour < 11) return "morning";
  return hour >= 11 && hour < 18 ? "day" : "evening";
}

/** Returns how the node is, in one sentence: what is broken before what is going on. */
export function statusOf(apps: readonly AppSummary[], number: (percent: number) => string): Said {
  if (!apps.length) return { key: "home.status.empty", about: {} };
  const troubled = apps.filter((one) => isTroubled(one.state));
  const [first] = troubled;
  if (first && troubled.length === 1) return { key: "home.status.oneTroubled", about: { name: first.name } };
  if (first) return { key: "home.status.troubled", about: { n: troubled.length } };
  const syncing = apps.find((one) => one.state === "syncing");
  if (syncing)
    return { key: "home.status.syncing", about: { name: syncing.name, percent: number(syncing.percent ?? 0) } };
  const starting = apps.filter((one) => one.state === "starting" || one.state === "waiting");
  if (starting.length) return { key: "home.status.starting", about: { n: starting.length } };
  const stopped = apps.filter((one) => one.desired === "stopped").length;
  return { key: stopped === apps.length ? "home.status.stopped" : "home.status.runs", about: {} };
}
