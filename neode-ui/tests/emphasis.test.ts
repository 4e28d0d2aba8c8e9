import { expect, it } from "vitest";
import { emphasised } from "../src/lib/emphasis";

it("sets what is between two asterisks apart, and leaves all else as it is", () => {
  expect(emphasised("Press **Save**, and wait")).toEqual([
    { strong: false, text: "Press " },
    { strong: true, text: "Save" },
    { strong: false, text: ", and wait" },
  ]);
  for (const text of ["2 * 3 ** 4", "<b>no</b>", "**"]) expect(emphasised(text)).toEqual([{ strong: false, text }]);
  expect(emphasised("")).toEqual([]);
});
