import { describe, expect, it } from "vitest";
import { diskLevel, diskMarks, filled, isOwn, memoryParts } from "../src/lib/budgets";
import { resources } from "./samples";

const GIB = 2 ** 30;
const NONE = resources().own;
const app = resources;

describe("a disk", () => {
  it("is short by its share where it is small, and by an amount where it is large", () => {
    expect(diskMarks(100 * GIB).map((one) => one.below / GIB)).toEqual([15, 8, 3]);
    expect(diskMarks(2000 * GIB).map((one) => one.below / GIB)).toEqual([30, 10, 4]);
  });

  it.each([
    [16, "plenty"],
    [15, "plenty"],
    [14, "little"],
    [7, "scarce"],
    [2, "critical"],
    [0, "critical"],
  ])("of which %d of 100 GiB are free is at the level %s", (free, level) => {
    expect(diskLevel(free * GIB, 100 * GIB)).toBe(level);
  });
});

describe("memory", () => {
  it("is that of the largest apps, and of the others together", () => {
    const apps = [1, 2, 3, 4, 5, 6].map((size) => app({ name: `${size}`, memory_used: size * GIB }));
    const parts = memoryParts([...apps, app({ memory_used: null })], 32 * GIB);
    expect(parts.map((one) => one.name)).toEqual(["6", "5", "4", "3", ""]);
    expect(parts.at(-1)).toMatchObject({ bytes: 3 * GIB, other: true, share: 3 / 32 });
    expect(memoryParts([], GIB)).toEqual([]);
  });

  it("of a budget is never more than all of it", () => {
    expect(filled(app({ memory_used: GIB / 2 }))).toBe(50);
    expect(filled(app({ memory_used: 2 * GIB }))).toBe(100);
    expect(filled(app({}))).toBeUndefined();
  });
});

it("a limit that its owner set is told from one of the manifest", () => {
  expect(isOwn(app({}))).toBe(false);
  expect(isOwn(app({ own: { ...NONE, disk: 0 } }))).toBe(true);
});
