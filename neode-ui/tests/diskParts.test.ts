import { describe, expect, it } from "vitest";
import { diskParts, sharedSnapshots } from "../src/lib/diskParts";

const disk = (name: string, bytes: number | null, snapshots = 0, shares = false) => {
  const kept = snapshots ? { bytes: snapshots, counted: true, shares } : null;
  return { app: name, name, bytes, counted: true, snapshots: kept, at: null, limit: null, history: [] };
};

describe("diskParts", () => {
  it("names the largest apps, and counts the rest as one", () => {
    const parts = diskParts(
      [disk("small", 1), disk("knots", 500), disk("electrumx", 100), disk("new", null)],
      1000,
      300,
    );
    expect(parts.map(({ kind, name, bytes }) => [kind, name, bytes])).toEqual([
      ["app", "knots", 500],
      ["app", "electrumx", 100],
      ["other", "", 100],
    ]);
  });
  it("names the snapshots of all apps, but not those of which nobody knows what they take", () => {
    const apps = [disk("knots", 100, 150), disk("electrumx", 50, 50), disk("tor", 10, 300, true)];
    expect(diskParts(apps, 1000, 300).map(({ kind, bytes }) => [kind, bytes])).toEqual([
      ["snapshots", 200],
      ["app", 100],
      ["app", 50],
      ["app", 10],
      ["other", 340],
    ]);
    expect(sharedSnapshots(apps)).toBe(300);
  });
  it("never shows more than is in use", () => {
    const parts = diskParts([disk("knots", 900)], 1000, 500);
    expect(parts.reduce((sum, one) => sum + one.share, 0)).toBeLessThanOrEqual(0.5);
    expect(diskParts([], 0, 0)).toEqual([]);
  });
});
