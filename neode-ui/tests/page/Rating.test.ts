import { expect, it } from "vitest";
import RatingLines from "../../src/components/RatingLines.vue";
import RatingChip from "../../src/components/store/RatingChip.vue";
import { begin, mounted } from "./mounted";

it.each([
  [8, "good"],
  [6, "good"],
  [5, "wait"],
  [4, "wait"],
  [3, "bad"],
])("%i points have the same colour wherever they are shown", async (score, tone) => {
  begin();
  const lines = (await mounted(RatingLines, { rating: { score, lines: [] } })).page;
  expect(lines.findAll(`.bg-${tone}`)).toHaveLength(score);
  const chip = (await mounted(RatingChip, { score })).page;
  expect(chip.find(`.text-${tone}`).exists()).toBe(true);
});
