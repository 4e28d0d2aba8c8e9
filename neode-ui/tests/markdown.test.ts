import { describe, expect, it } from "vitest";
import { blocks, pieces } from "../src/lib/markdown";

const code = (text: string) => ({ code: true, text });
const plain = (text: string) => ({ code: false, text });

describe("a line of Markdown", () => {
  it("has code spans, and nothing else that means anything", () => {
    expect(pieces("the package `e-x`; and `y`")).toEqual([
      plain("the package "),
      code("e-x"),
      plain("; and "),
      code("y"),
    ]);
    expect(pieces("a ``b ` c`` d")).toEqual([plain("a "), code("b ` c"), plain(" d")]);
    expect(pieces("`` `a` ``")).toEqual([code("`a`")]);
    expect(pieces("an open ` tick and ``two")).toEqual([plain("an open ` tick and ``two")]);
    for (const text of [
      "<img src=x onerror=alert(1)>",
      "[here](javascript:alert(1))",
      "**bold** ![x](http://tracker)",
      "&lt;b>",
    ])
      expect(pieces(text)).toEqual([plain(text)]);
    expect(pieces("")).toEqual([]);
  });

  it("keeps every character of it but the ticks of code spans, and takes no time over many", () => {
    const many = "`".repeat(5000) + "a" + "`".repeat(4999);
    expect(
      pieces(many)
        .map((one) => one.text)
        .join(""),
    ).toBe(many);
    const pairs = "` `` ".repeat(2000);
    expect(pieces(pairs).length).toBeGreaterThan(0);
  });
});

describe("a description", () => {
  it("has paragraphs, set apart by empty lines; other breaks are none", () => {
    const found = blocks("one\nand  more\n\ntwo\n \t\n\n  three\r\n\r\nfour\n");
    expect(found).toEqual(["one and more", "two", "three", "four"].map((line) => ({ list: false, lines: [line] })));
    for (const empty of ["", " \n\n "]) expect(blocks(empty)).toEqual([]);
  });

  it("has points, each of which may go over several lines", () => {
    expect(blocks("It has:\n- one\n  and more\n* two\n\nAnd that is all - really.\n\n+ three")).toEqual([
      { list: false, lines: ["It has:"] },
      { list: true, lines: ["one and more", "two"] },
      { list: false, lines: ["And that is all - really."] },
      { list: true, lines: ["three"] },
    ]);
  });
});
