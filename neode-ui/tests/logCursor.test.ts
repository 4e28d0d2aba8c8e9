import { describe, expect, it } from "vitest";
import { LogCursor } from "../src/lib/logCursor";
import { logLine } from "./samples";

const line = (second: number, text: string, stream = "stdout") =>
  logLine({ at: `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`, text, stream });

/** Takes lines; returns the texts of those that are new. */
function taken(cursor: LogCursor, lines: ReturnType<typeof line>[]): string[] {
  return lines.filter((one) => cursor.take(one)).map((one) => one.text);
}

describe("lines that come again", () => {
  it("are left out, and those that came in the same second meanwhile are not", () => {
    const cursor = new LogCursor();
    expect(taken(cursor, [line(1, "a"), line(2, "b"), line(2, "c")])).toEqual(["a", "b", "c"]);
    cursor.reopen();
    expect(taken(cursor, [line(1, "a"), line(2, "b"), line(2, "c"), line(2, "d"), line(3, "e")])).toEqual(["d", "e"]);
  });

  it("are counted where they are the same", () => {
    const cursor = new LogCursor();
    taken(cursor, [line(2, "tick"), line(2, "tick")]);
    cursor.reopen();
    expect(taken(cursor, [line(2, "tick"), line(2, "tick"), line(2, "tick")])).toEqual(["tick"]);
  });

  it("are left out though the first of a second was written as it began", () => {
    const at = (fraction: string, text: string) => logLine({ at: `2026-01-01T00:00:02${fraction}Z`, text });
    const cursor = new LogCursor();
    taken(cursor, [at("", "a"), at(".000100", "b"), at(".250000", "c")]);
    cursor.reopen();
    expect(taken(cursor, [at("", "a"), at(".000100", "b"), at(".250000", "c"), at(".250001", "d")])).toEqual(["d"]);
  });

  it("are told apart by their stream", () => {
    const cursor = new LogCursor();
    taken(cursor, [line(2, "tick")]);
    cursor.reopen();
    expect(taken(cursor, [line(2, "tick"), line(2, "tick", "stderr")])).toEqual(["tick"]);
  });
});

describe("a line", () => {
  it("is new where nothing was lost, whatever its time", () => {
    const cursor = new LogCursor();
    expect(taken(cursor, [line(2, "b"), line(1, "late"), line(2, "b")])).toEqual(["b", "late", "b"]);
  });

  it("of a later time is new, though what was last read is not among those that come", () => {
    const cursor = new LogCursor();
    taken(cursor, [line(1, "a")]);
    cursor.reopen();
    expect(taken(cursor, [line(5, "e"), line(5, "f")])).toEqual(["e", "f"]);
  });
});

describe("a gap", () => {
  const gaps = (cursor: LogCursor, lines: ReturnType<typeof line>[]) =>
    lines.filter((one) => cursor.take(one) && cursor.gap).map((one) => one.text);

  it("is ahead of the first line that comes where none that was read comes again", () => {
    const cursor = new LogCursor();
    expect(gaps(cursor, [line(1, "a"), line(2, "b")])).toEqual([]);
    cursor.reopen();
    expect(gaps(cursor, [line(5, "e"), line(6, "f")])).toEqual(["e"]);
  });

  it("is none where a line comes again, be it an old one", () => {
    const cursor = new LogCursor();
    gaps(cursor, [line(1, "a"), line(2, "b")]);
    cursor.reopen();
    expect(gaps(cursor, [line(1, "a"), line(2, "b"), line(5, "e")])).toEqual([]);
    cursor.reopen();
    expect(gaps(cursor, [line(2, "b"), line(6, "f")])).toEqual([]);
  });
});
