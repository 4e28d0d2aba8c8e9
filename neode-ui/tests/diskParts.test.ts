import { describe, expect, it } from "vitest";
import { diskParts } from "../src/lib/diskParts";

const disk = (name: string, bytes: number | null) => ({
  app: name,
  name,
  bytes,
  counted: true,
  at: null,
  limit: null,
  history: [],
});

describe("diskParts", () => {
  it("names the largest apps, and counts the rest as one", () => {
    const parts = diskParts(
      [disk("small", 1), disk("knots", 500), disk("electrumx", 100), disk("new", null)],
      1000,
      300,
    );
    expect(parts.map(({ name, bytes, other }) => [name, bytes, other])).toEqual([
      ["knots", 500, false],
      ["electrumx", 100, false],
      ["", 100, true],
    ]);
  });
  it("never shows more than is in use", () => {
    const parts = diskParts([disk("knots", 900)], 1000, 500);
    expect(parts.reduce((sum, one) => sum + one.share, 0)).toBeLessThanOrEqual(0.5);
    expect(diskParts([], 0, 0)).toEqual([]);
  });
});
