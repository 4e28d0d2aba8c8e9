import { expect, it } from "vitest";
import { figures } from "../src/lib/figures";

it("are the last, the lowest and the highest of some values, as they are shown", () => {
  const show = (value: number): string => `${value} %`;
  expect(figures([3, 1, 9, 4], show)).toEqual({ now: "4 %", lowest: "1 %", highest: "9 %" });
  expect(figures([], show)).toEqual({ now: "0 %", lowest: "0 %", highest: "0 %" });
});
