import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { tokensOf } from "../src/design/page/tokens";

it("reads the tokens from the file that decides them", () => {
  const tokens = tokensOf(readFileSync("src/design/styles/tokens.css", "utf8"));
  const names = Object.values(tokens).map((found) => found.map((one) => one.name));
  expect(names.every((found) => found.length > 1)).toBe(true);
  for (const name of [
    "font-mono",
    "radius-hero",
    "shadow-over",
    "animate-fade-in",
    "text-figure",
    "page",
    "land-5",
    "hero",
  ])
    expect(names.flat()).toContain(name);
  expect(tokens.sizes.find((one) => one.name === "text-figure")?.value).toBe("2.125rem");
  expect(tokens.colours.find((one) => one.name === "page")?.value).toBe("#f4f2ec");
});
