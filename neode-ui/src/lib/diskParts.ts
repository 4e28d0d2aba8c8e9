import type { AppDisk } from "../api/types";

/** A part of the disk that is in use: an app's data, the snapshots of all apps, or everything else. */
export interface DiskPart {
  kind: "app" | "snapshots" | "other";
  /** Of an app. */
  name: string;
  bytes: number;
  /** Of the whole disk, from 0 to 1. */
  share: number;
}

/** How many parts are named; the small ones are among everything else. */
const NAMED = 4;
/** Share of the disk from which a part can be seen. */
const SEEN = 0.004;

/**
 * Returns what is on the disk, the largest part first and everything else last. Snapshots that may share blocks are
 * among everything else: nobody knows how much they take (see `sharedSnapshots`).
 */
export function diskParts(apps: readonly AppDisk[], total: number, free: number): DiskPart[] {
  const used = Math.max(total - free, 0);
  let left = used;
  const volumes = apps.flatMap(({ name, bytes }) => (bytes === null ? [] : [{ kind: "app" as const, name, bytes }]));
  const snapshots = { kind: "snapshots" as const, name: "", bytes: snapshotBytes(apps, false) };
  const named = [...volumes, snapshots]
    .sort((one, other) => other.bytes - one.bytes)
    .filter(({ bytes }) => bytes / total >= SEEN)
    .slice(0, NAMED)
    .map(({ kind, name, bytes }): DiskPart => {
      // What was counted a while ago may be more than what is used by now.
      const counted = Math.min(bytes, left);
      left -= counted;
      return { kind, name, bytes, share: counted / total };
    });
  return left > 0 ? [...named, { kind: "other", name: "", bytes: left, share: left / total }] : named;
}

/** Returns the most bytes that snapshots take which may share blocks with the apps' data or with each other. */
export const sharedSnapshots = (apps: readonly AppDisk[]): number => snapshotBytes(apps, true);

const snapshotBytes = (apps: readonly AppDisk[], shares: boolean): number =>
  apps.reduce((sum, { snapshots }) => sum + (snapshots?.shares === shares ? snapshots.bytes : 0), 0);
