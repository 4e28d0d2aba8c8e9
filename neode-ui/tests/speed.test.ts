import { describe, expect, it } from "vitest";
import { counted, secondsLeft, speedOf, type Count } from "../src/lib/speed";

const all = (...counts: Array<[number, number]>): Count[] =>
  counts.reduce<Count[]>((known, [at, done]) => counted(known, { at, done }), []);

describe("how fast something goes", () => {
  it("is unknown at first, and then measured over the last seconds", () => {
    expect(speedOf(all([0, 0]))).toBeUndefined();
    expect(speedOf(all([0, 0], [1000, 500]))).toBeUndefined();
    expect(speedOf(all([0, 0], [1000, 500], [2000, 4000]))).toBe(2000);
    const slower = all([0, 0], [10_000, 1_000_000], [30_000, 1_000_000], [40_000, 1_000_000]);
    expect(speedOf(slower)).toBe(0);
  });

  it("starts again where less is done, or the clock was set back, and never divides by nothing", () => {
    expect(all([0, 900], [1000, 5])).toEqual([{ at: 1000, done: 5 }]);
    expect(all([5000, 1], [1000, 5])).toEqual([{ at: 1000, done: 5 }]);
    expect(all([0, 1], [0, 5])).toEqual([{ at: 0, done: 5 }]);
  });

  it("says when it ends only where that can be known", () => {
    expect(secondsLeft(50, 100, 10)).toBe(5);
    expect(secondsLeft(120, 100, 10)).toBe(0);
    expect(secondsLeft(50, null, 10)).toBeUndefined();
    expect(secondsLeft(50, 100, 0)).toBeUndefined();
    expect(secondsLeft(50, 100, undefined)).toBeUndefined();
  });
});
