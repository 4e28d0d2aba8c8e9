import type { AppDisk } from "../api/types";

/** A part of the disk that is in use: an app's data, or everything else. */
export interface DiskPart {
  name: string;
  bytes: number;
  /** Of the whole disk, from 0 to 1. */
  share: number;
  other: boolean;
}

/** How many apps are named; the small ones are among everything else. */
const NAMED = 4;
/** Share of the disk from which a part can be seen. */
const SEEN = 0.004;

/** Returns what is on the disk, the largest app first and everything else last. */
export function diskParts(apps: readonly AppDisk[], total: number, free: number): DiskPart[] {
  const used = Math.max(total - free, 0);
  let left = used;
  const named = apps
    .flatMap(({ name, bytes }) => (bytes === null ? [] : [{ name, bytes }]))
    .sort((one, other) => other.bytes - one.bytes)
    .filter(({ bytes }) => bytes / total >= SEEN)
    .slice(0, NAMED)
    .map(({ name, bytes }): DiskPart => {
      // What was counted a while ago may be more than what is used by now.
      const counted = Math.min(bytes, left);
      left -= counted;
      return { name, bytes, share: counted / total, other: false };
    });
  return left > 0 ? [...named, { name: "", bytes: left, share: left / total, other: true }] : named;
}
