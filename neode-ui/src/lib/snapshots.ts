import type { AppDisk, SnapshotKind, SnapshotView } from "../api/types";

/** What going back to a snapshot is called: it may be the way back from what the owner did last. */
export type WayBack = "undoUpdate" | "undoRestore" | "restore";

/** Returns what going back to a snapshot is called; `all` are those of its app, the newest first. */
export function wayBackTo(one: SnapshotView, all: readonly SnapshotView[]): WayBack {
  if (one.undoes_update) return "undoUpdate";
  return one === all.find(({ kind }) => kind === "before-restore") ? "undoRestore" : "restore";
}

/** Colour of the point of a snapshot: by who made it, and amber for what is kept for a look. */
export function toneOf({ kind }: { kind: SnapshotKind }): string {
  if (kind === "rejected") return "bg-wait";
  return kind === "manual" ? "bg-accent" : "bg-edge";
}

/** Tells how much the snapshots of an app take, and whether they may take less; undefined until they were counted. */
export function takenBy(app: string, disk: readonly AppDisk[]): AppDisk["snapshots"] | undefined {
  return disk.find((one) => one.app === app)?.snapshots ?? undefined;
}
