import { expect, it } from "vitest";
import { marked } from "../src/lib/marked";

it("cuts a text at what is looked for, whatever its case, so that the parts are the text again", () => {
  expect(marked("Wave wave WAVE!", "wave")).toEqual(["", "Wave", " ", "wave", " ", "WAVE", "!"]);
  for (const [text, wanted] of [
    ["no such thing", "wave"],
    ["nothing wanted", ""],
    ["İstanbul", "stan"], // longer in small letters
  ] as const)
    expect(marked(text, wanted)).toEqual([text]);
});
