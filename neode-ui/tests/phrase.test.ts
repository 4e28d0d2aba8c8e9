import { describe, expect, it } from "vitest";
import { isRemembered, placesToAsk, wordsOf } from "../src/lib/phrase";

describe("placesToAsk", () => {
  it("names different places of the phrase, in order", () => {
    for (let round = 0; round < 200; round += 1) {
      const places = placesToAsk(24, 3);
      expect(new Set(places).size).toBe(3);
      expect([...places].sort((one, other) => one - other)).toEqual(places);
      expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...places)).toBeLessThan(24);
    }
    expect(placesToAsk(24, 2, () => 0.9999)).toEqual([22, 23]);
  });
});

describe("isRemembered", () => {
  const words = ["abandon", "ability", "able"];
  it("takes the words at their places, whatever their case", () => {
    expect(isRemembered(words, [0, 2], [" Abandon ", "able"])).toBe(true);
    expect(isRemembered(words, [0, 2], ["able", "abandon"])).toBe(false);
    expect(isRemembered(words, [0, 2], ["abandon"])).toBe(false);
  });
});

describe("wordsOf", () => {
  it("takes a phrase as people write it", () => {
    expect(wordsOf(" 1. Abandon\n2) ability,able ")).toEqual(["abandon", "ability", "able"]);
    expect(wordsOf("")).toEqual([]);
  });
});
