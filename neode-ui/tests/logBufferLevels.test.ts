import { describe, expect, it } from "vitest";
import { LogBuffer } from "../src/lib/logBuffer";
import { logLine } from "./samples";

describe("lines of a level", () => {
  it("are found alone, with and without a text, as they come and as they go", async () => {
    const buffer = new LogBuffer(1_000_000);
    const say = (...texts: string[]) => buffer.add(texts.map((text) => logLine({ text })));
    const found = () => buffer.all().map((line) => line.text);
    say("INFO one", "ERROR two", "WARN three");
    await buffer.search("", () => {}, "warning");
    expect(found()).toEqual(["ERROR two", "WARN three"]);
    say("ERROR four", "DEBUG five");
    expect(found()).toEqual(["ERROR two", "WARN three", "ERROR four"]);
    await buffer.search("four", () => {}, "error");
    expect(found()).toEqual(["ERROR four"]);
    await buffer.search("", () => {});
    expect(buffer.found).toBe(5);
  });
});
