import type { AppResources } from "../api/types";

/** What can be limited, in the order in which it is shown; the texts are `limits.<name>`. */
export const LIMITS = ["memory", "cpu", "disk", "cpu_weight", "io_weight", "pids"] as const;
export type Limit = (typeof LIMITS)[number];
/** What is typed; empty is no limit, which only the disk may have. */
export type TypedLimits = Record<Limit, string | number>;

const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** How many of the node's own unit one of what is typed is. */
const UNITS: Record<Limit, number> = { memory: MIB, cpu: 1, disk: GIB, cpu_weight: 1, io_weight: 1, pids: 1 };
const WHOLE: ReadonlySet<Limit> = new Set(["cpu_weight", "io_weight", "pids"]);
const HEAVIEST = 10_000;
const MOST_PIDS = 4_000_000;

/** What the host has, which no limit of memory or processors exceeds. */
export interface Host {
  memory: number;
  memory_of_node: number;
  cores: number;
}

/** Returns the least and the most that may be typed; the node knows what each app needs at the least. */
export function boundsOf(limit: Limit, host: Host): { least: number; most?: number } {
  switch (limit) {
    case "memory":
      return { least: 16, most: Math.floor((host.memory - host.memory_of_node) / MIB) };
    case "cpu":
      return { least: 0.01, most: host.cores };
    case "disk":
      return { least: 0.01 };
    case "pids":
      return { least: 4, most: MOST_PIDS };
    default:
      return { least: 1, most: HEAVIEST };
  }
}

/** Returns what an app may take now, in the node's units; null without a limit. */
export function limitOf(limit: Limit, app: AppResources): number | null {
  return {
    memory: app.memory_limit,
    cpu: app.cpu_limit,
    disk: app.disk_limit,
    cpu_weight: app.cpu_weight,
    io_weight: app.io_weight,
    pids: app.pids_limit,
  }[limit];
}

/** Returns what an app takes now, in the node's units; null where nobody counts it. */
export function useOf(limit: Limit, app: AppResources): number | null {
  if (limit === "memory") return app.memory_used;
  if (limit === "cpu") return app.cpu_used;
  return limit === "disk" ? app.disk_used : null;
}

/** Returns what stands in the fields: hundredths at most, for which no limit is changed (`changesOf`). */
export function typedOf(app: AppResources): TypedLimits {
  return Object.fromEntries(LIMITS.map((one) => [one, inField(one, limitOf(one, app))])) as TypedLimits;
}

function inField(limit: Limit, value: number | null): string {
  return value === null ? "" : String(Math.round((100 * value) / UNITS[limit]) / 100);
}

/** Tells whether the node would take what is typed, as far as the page knows. */
export function isWrong(limit: Limit, typed: string | number, host: Host): boolean {
  if (typed === "") return limit !== "disk";
  const value = numberOf(typed);
  const { least, most } = boundsOf(limit, host);
  return !(value >= least) || value > (most ?? Infinity) || (WHOLE.has(limit) && !Number.isInteger(value));
}

/** Returns the limits that differ from those that count now, as `container-limits` takes them. */
export function changesOf(typed: TypedLimits, app: AppResources): Partial<Record<Limit, number>> {
  const now = typedOf(app);
  const changed = LIMITS.filter((one) => String(typed[one]) !== now[one]);
  return Object.fromEntries(changed.map((one) => [one, inBytes(one, numberOf(typed[one]))]));
}

/** Returns a number as one types it, with a comma too. */
const numberOf = (typed: string | number): number => Number(String(typed).replace(",", "."));

function inBytes(limit: Limit, value: number): number {
  return limit === "cpu" ? value : Math.round(value * UNITS[limit]);
}
