import { describe, expect, it } from "vitest";
import { byCause, causeText, shared } from "../src/lib/notices";

describe("notices", () => {
  it("are grouped by their cause, in the order of the first of each", () => {
    const [a, b, c, d] = ["app:x", "updates", "app:x", "disk"].map((cause, at) => ({ cause, at }));
    expect(byCause([a!, b!, c!, d!])).toEqual([
      { key: "app:x", all: [a, c] },
      { key: "updates", all: [b] },
      { key: "disk", all: [d] },
    ]);
    expect(byCause([])).toEqual([]);
  });

  it("say once what they all say", () => {
    const of = (one: { text?: string }): string | undefined => one.text;
    expect(shared([{ text: "a" }, { text: "a" }], of)).toBe("a");
    expect(shared([{ text: "a" }, { text: "b" }], of)).toBeUndefined();
    expect(shared([{ text: "a" }, {}], of)).toBeUndefined();
    expect(shared([{ text: "a" }], of)).toBeUndefined();
    expect(shared([], of)).toBeUndefined();
  });

  it("have words for each cause, also one that a newer node names", () => {
    expect(causeText("app:bitcoin-knots")).toBe("notice.cause.app");
    expect(causeText("updates")).toBe("notice.cause.updates");
    expect(causeText("host:enforcement")).toBe("notice.cause.host");
    expect(causeText("constructor")).toBe("notice.cause.host");
  });
});
