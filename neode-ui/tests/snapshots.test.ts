import { describe, expect, it } from "vitest";
import type { AppDisk, SnapshotKind, SnapshotView } from "../src/api/types";
import { takenBy, toneOf, wayBackTo } from "../src/lib/snapshots";

const snapshot = (name: string, kind: SnapshotKind, undoes_update = false): SnapshotView => ({ name, kind, at: "2026-11-29T08:40:00Z", version: "1", size: 5, counted: true, funds: false, undoes_update }); // prettier-ignore

describe("the way back to a snapshot", () => {
  it("is named after what it undoes", () => {
    const all = [
      snapshot("4", "before-restore"),
      snapshot("3", "before-update", true),
      snapshot("2", "before-restore"),
      snapshot("1", "manual"),
    ];
    expect(all.map((one) => wayBackTo(one, all))).toEqual(["undoRestore", "undoUpdate", "restore", "restore"]);
  });
});

describe("a snapshot", () => {
  it("that is kept for a look stands out", () => {
    const tones = (["manual", "before-update", "rejected"] as const).map((kind) => toneOf({ kind }));
    expect(new Set(tones).size).toBe(3);
    expect(tones[2]).toBe("bg-wait");
  });

  it("takes what the disk was counted to have of it", () => {
    const snapshots = { bytes: 7, counted: true, shares: true };
    const disk = [{ app: "lnd", name: "LND", bytes: 1, counted: true, snapshots, at: null, limit: null, history: [] }];
    expect(takenBy("lnd", disk)).toEqual(snapshots);
    expect(takenBy("knots", disk)).toBeUndefined();
    expect(takenBy("lnd", [{ ...disk[0]!, snapshots: null } as AppDisk])).toBeUndefined();
  });
});
