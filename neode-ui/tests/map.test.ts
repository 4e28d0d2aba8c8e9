import { describe, expect, it } from "vitest";
import { chanceFrom } from "../src/lib/map/chance";
import { drawn } from "../src/lib/map/drawn";
import { capacityOf, layOut, type Box, type Earlier, type Island, type Place } from "../src/lib/map/layout";
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

  it("is the same in whichever order the node names its apps", () => {
    const byApp = (islands: Island[]) => [...islands].sort((one, other) => (one.app < other.app ? -1 : 1));
    expect(byApp(layOut("a", [...STORY].reverse(), BOX))).toEqual(byApp(layOut("a", STORY, BOX)));
  });

  it("is the same at each visit, and another one for another node", () => {
    expect(layOut("a", STORY, BOX)).toEqual(layOut("a", STORY, BOX));
    expect(layOut("a", STORY, BOX)).not.toEqual(layOut("b", STORY, BOX));
  });
});

describe("an island that was there before", () => {
  const asEarlier = (islands: Island[], { width, height }: Box): Earlier => ({ width, height, islands });
  const spots = (islands: Island[], apps: string[]) =>
    Object.fromEntries(islands.filter(({ app }) => apps.includes(app)).map(({ app, x, y }) => [app, { x, y }]));
  /** Apps that use one another at random, as many as a box has room for at the most. */
  const worlds = Array.from({ length: 60 }, (_, seed) => {
    const chance = chanceFrom(seed);
    const box = [BOX, PHONE][seed % 2]!;
    const count = 1 + Math.floor(chance() * (capacityOf(box) - 1));
    const places = Array.from({ length: count }, (_, at) => ({
      app: `app-${Math.floor(chance() * 1e6)}-${at}`,
      uses: at && chance() < 0.6 ? [`app-${Math.floor(chance() * at)}`] : [],
    }));
    const byNumber = new Map(places.map(({ app }, at) => [`app-${at}`, app]));
    const linked = places.map(({ app, uses }) => ({ app, uses: uses.map((one) => byNumber.get(one) ?? one) }));
    return { seed, box, places: linked, chance };
  });

  it.each(worlds)("stays when another app comes, whichever that is: $seed", ({ seed, box, places, chance }) => {
    const before = layOut(String(seed), places, box);
    const apps = places.map(({ app }) => app);
    const uses = apps.filter(() => chance() < 0.2);
    const more = [...places];
    more.splice(Math.floor(chance() * more.length), 0, { app: "new", uses });
    const after = layOut(String(seed), more, box, asEarlier(before, box));
    expect(spots(after, apps)).toEqual(spots(before, apps));
    expect(after).toHaveLength(more.length);
  });

  it.each(worlds)("stays when another app goes: $seed", ({ seed, box, places, chance }) => {
    const before = layOut(String(seed), places, box);
    const gone = Math.floor(chance() * places.length);
    const left = places.filter((_, at) => at !== gone);
    const apps = left.map(({ app }) => app);
    expect(spots(layOut(String(seed), left, box, asEarlier(before, box)), apps)).toEqual(spots(before, apps));
  });

  it.each(worlds)("moves for a higher box only where a text lies on it now, and not far: $seed", ({ seed, places }) => {
    const text = (height: number): Box => ({
      ...BOX,
      height,
      keepOut: [{ x: 0, y: height - 104, width: 300, height: 104 }],
    });
    const [low, high] = [text(300), text(340)];
    const before = layOut(String(seed), places, low);
    const after = new Map(layOut(String(seed), places, high, asEarlier(before, low)).map((one) => [one.app, one]));
    for (const one of before) {
      const now = after.get(one.app)!;
      const far = Math.hypot(now.x - one.x, now.y - one.y);
      if (one.x > 300 + 47 || one.y < high.keepOut[0]!.y - 44) expect(far).toBe(0);
      else expect(far).toBeLessThan(260);
    }
  });

  it("keeps its share of a box of another width", () => {
    const before = layOut("a", STORY, PHONE);
    const wide = { ...PHONE, width: PHONE.width * 2 };
    const after = new Map(layOut("a", STORY, wide, asEarlier(before, PHONE)).map((one) => [one.app, one]));
    for (const { app, x, y } of before) {
      expect(Math.abs(after.get(app)!.x - 2 * x)).toBeLessThanOrEqual(1);
      expect(after.get(app)!.y).toBe(y);
    }
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
