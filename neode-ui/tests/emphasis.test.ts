import { expect, it } from "vitest";
import { emphasised } from "../src/lib/emphasis";

it("sets what is between two asterisks or two grave accents apart, and leaves all else as it is", () => {
  expect(emphasised("Press **Save**, and wait")).toEqual([
    { kind: "plain", text: "Press " },
    { kind: "strong", text: "Save" },
    { kind: "plain", text: ", and wait" },
  ]);
  expect(emphasised("`make` it")).toEqual([
    { kind: "code", text: "make" },
    { kind: "plain", text: " it" },
  ]);
  for (const text of ["2 * 3 ** 4", "<b>no</b>", "**", "a ` b"])
    expect(emphasised(text)).toEqual([{ kind: "plain", text }]);
  expect(emphasised("")).toEqual([]);
});
