import { describe, expect, it } from "vitest";
import { inOrder, moved, toggled } from "../src/lib/arrangement";

describe("inOrder", () => {
  it("puts what is named first, and leaves the rest as it comes", () => {
    expect(inOrder(["a", "b", "c", "d"], String, ["c", "gone", "a"])).toEqual(["c", "a", "b", "d"]);
    expect(inOrder(["a", "b"], String, [])).toEqual(["a", "b"]);
  });
});

describe("moved", () => {
  it("moves by one place, and not beyond the ends", () => {
    expect(moved(["a", "b", "c"], "b", -1)).toEqual(["b", "a", "c"]);
    expect(moved(["a", "b", "c"], "b", 1)).toEqual(["a", "c", "b"]);
    expect(moved(["a", "b"], "a", -1)).toEqual(["a", "b"]);
    expect(moved(["a", "b"], "z", 1)).toEqual(["a", "b"]);
  });
});

describe("toggled", () => {
  it("adds a name at the end, or takes it out", () => {
    expect(toggled(["a", "b"], "c")).toEqual(["a", "b", "c"]);
    expect(toggled(["a", "b"], "a")).toEqual(["b"]);
  });
});
