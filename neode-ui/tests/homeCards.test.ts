import { describe, expect, it } from "vitest";
import { spansOf, type Width } from "../src/lib/homeCards";

describe("spansOf", () => {
  it.each<[Width[], number[]]>([
    [[], []],
    [["half"], [12]],
    [
      ["more", "half", "full"],
      [7, 5, 12],
    ],
    [
      ["half", "more"],
      [5, 7],
    ],
    [
      ["half", "full", "half", "half"],
      [12, 12, 6, 6],
    ],
    [
      ["more", "more", "half"],
      [6, 6, 12],
    ],
  ])("%j takes %j of twelve columns", (widths, spans) => expect(spansOf(widths)).toEqual(spans));

  it("fills every row", () => {
    const all: Width[] = ["half", "more", "full"];
    for (const one of all)
      for (const two of all)
        for (const three of all) {
          const spans = spansOf([one, two, three]);
          let row = 0;
          for (const span of spans) row = row === 12 ? span : row + span;
          expect(row, `${one} ${two} ${three}`).toBe(12);
        }
  });
});
