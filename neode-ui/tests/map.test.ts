import { describe, expect, it } from "vitest";
import { drawn } from "../src/lib/map/drawn";
import { capacityOf, layOut, type Box, type Place } from "../src/lib/map/layout";
import { SUNKEN } from "../src/lib/map/terrain";

const BOX: Box = { width: 1016, height: 300, keepOut: [{ x: 0, y: 196, width: 300, height: 104 }] };
const PHONE: Box = { width: 358, height: 230, keepOut: [] };
const STORY: Place[] = [
  { app: "bitcoin-knots", uses: ["tor"] },
  { app: "electrumx", uses: ["bitcoin-knots"] },
  { app: "lnd", uses: ["bitcoin-knots"] },
  { app: "mempool", uses: ["electrumx", "bitcoin-knots"] },
  { app: "lnbits", uses: ["lnd"] },
  { app: "nostr-relay", uses: [] },
  { app: "tor", uses: [] },
  { app: "home-assistant", uses: [] },
];
const many = (count: number): Place[] => Array.from({ length: count }, (_, at) => ({ app: `app-${at}`, uses: [] }));
const whole = (node: string, places: Place[], box: Box) =>
  drawn({ node, places: places.map((one) => ({ ...one, height: 1 })), box });

describe("layOut", () => {
  it.each([
    ["a desktop", BOX, STORY],
    ["a phone", PHONE, STORY],
    ["a full desktop", BOX, many(capacityOf(BOX))],
    ["a full phone", PHONE, many(capacityOf(PHONE))],
  ])("keeps pins apart, in the box and off the text: %s", (_, box, places) => {
    for (const node of ["6f1c9a4e", "0", "another node"]) {
      const islands = layOut(node, places, box);
      for (const { x, y } of islands) {
        expect(x).toBeGreaterThanOrEqual(40);
        expect(x).toBeLessThanOrEqual(box.width - 40);
        expect(y).toBeGreaterThanOrEqual(30);
        expect(y).toBeLessThanOrEqual(box.height - 40);
        for (const rect of box.keepOut)
          expect(x > rect.x + rect.width || y < rect.y, `${x},${y} on the text`).toBe(true);
      }
      for (const [at, one] of islands.entries())
        for (const other of islands.slice(at + 1))
          expect(Math.hypot(one.x - other.x, one.y - other.y), `${one.app} and ${other.app}`).toBeGreaterThan(36);
    }
  });

  it("is the same at each visit, and another one for another node", () => {
    expect(layOut("a", STORY, BOX)).toEqual(layOut("a", STORY, BOX));
    expect(layOut("a", STORY, BOX)).not.toEqual(layOut("b", STORY, BOX));
  });
});

describe("drawn", () => {
  it("has all depths and heights in less than 60 kB", () => {
    const { levels } = whole("6f1c9a4e", STORY, BOX);
    expect(levels.map(Boolean)).toEqual(Array(10).fill(true));
    expect(levels.join("").length).toBeLessThan(60_000);
    expect(whole("6f1c9a4e", many(50), BOX).levels.join("").length).toBeLessThan(60_000);
  });

  it("leaves the island of a stopped app under water", () => {
    const { levels } = drawn({ node: "a", places: [{ app: "app-0", uses: [], height: SUNKEN }], box: PHONE });
    expect(levels[4]).not.toBe("");
    expect(levels.slice(6).join("")).toBe("");
  });
});
