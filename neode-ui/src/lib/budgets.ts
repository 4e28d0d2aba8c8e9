import type { AppResources } from "../api/types";

const GIB = 2 ** 30;

/** How short the disk is; the texts `budget.disk.<level>` say what the node does then. */
export type DiskLevel = "plenty" | "little" | "scarce" | "critical";

/** As in the node's `disk_level`: a share of the disk, and on a large one at most so much. */
const MARKS = [
  { level: "little", share: 0.15, most: 30 * GIB },
  { level: "scarce", share: 0.08, most: 10 * GIB },
  { level: "critical", share: 0.03, most: 4 * GIB },
] as const;

/** Returns the levels of a disk, each with the free bytes below which it is entered. */
export function diskMarks(total: number): Array<{ level: Exclude<DiskLevel, "plenty">; below: number }> {
  return MARKS.map(({ level, share, most }) => ({ level, below: Math.min(share * total, most) }));
}

/** Returns how short a disk is. */
export function diskLevel(free: number, total: number): DiskLevel {
  return diskMarks(total).findLast((mark) => free < mark.below)?.level ?? "plenty";
}

/** A part of the memory that apps use. */
export interface MemoryPart {
  name: string;
  bytes: number;
  /** Of the host's memory, from 0 to 1. */
  share: number;
  /** Whether it stands for all apps that are not named. */
  other: boolean;
}

const NAMED = 4;

/** Returns what apps use of the memory, the largest part first; the small ones together. */
export function memoryParts(apps: readonly AppResources[], host: number): MemoryPart[] {
  const used = apps.flatMap(({ name, memory_used }) => (memory_used ? [{ name, bytes: memory_used }] : []));
  const sorted = used.sort((one, other) => other.bytes - one.bytes);
  const rest = sorted.slice(NAMED).reduce((sum, one) => sum + one.bytes, 0);
  const named = sorted.slice(0, NAMED).map((one) => ({ ...one, other: false }));
  const all = rest ? [...named, { name: "", bytes: rest, other: true }] : named;
  return all.map((one) => ({ ...one, share: host ? Math.min(1, one.bytes / host) : 0 }));
}

/** Returns how much of its budget an app uses, in per cent; undefined where nobody counts it. */
export function filled({ memory_used, memory_limit }: AppResources): number | undefined {
  return memory_used === null || !memory_limit ? undefined : Math.min(100, (100 * memory_used) / memory_limit);
}

/** Tells whether its owner has set a limit of an app. */
export const isOwn = ({ own }: AppResources): boolean => Object.values(own).some((value) => value !== null);
