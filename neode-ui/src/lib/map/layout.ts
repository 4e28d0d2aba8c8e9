import { chanceFrom, hashOf } from "./chance";

/** An app as the map needs it. */
export interface Place {
  app: string;
  /** Apps that it uses. */
  uses: readonly string[];
}

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** An island: its middle and half of its size, in pixels. */
export interface Island {
  app: string;
  x: number;
  y: number;
  rx: number;
  ry: number;
}

export interface Box {
  width: number;
  height: number;
  /** Where no island may lie: text is there. */
  keepOut: readonly Rect[];
}

const ROUNDS = 240;
/** Half of an island's size where there is room, and where there is none. */
const LARGEST = 66;
const SMALLEST = 30;
const FLAT = 0.74;
/** Where the beach of an island is, for half of its size. */
const SHORE = 1.12;
/** How far islands try to keep apart, for the root of the room that each has. */
const SPREAD = 1.25;
/** Distance from which those that use one another are drawn closer, for the sum of their sizes. */
const NEAR = 2.2;
/** Square pixels of the box for each island at the least. */
const EACH = 5_600;
/** Room that a pin and its label need around an island's middle. */
const MARGIN = { x: 58, top: 34, bottom: 44 };

/** How much larger an island is for each app that uses it. */
const importance = (users: number): number => Math.min(0.82 + 0.17 * users, 1.5);

/**
 * Places islands in a box: always the same way for a node, its apps and the box. Each island has a place of its own, which
 * comes from the node's id and the app's; those that use one another are drawn closer, and none covers another or a text.
 */
export function layOut(node: string, places: readonly Place[], box: Box): Island[] {
  const known = new Set(places.map((one) => one.app));
  const users = (app: string): number => places.filter((one) => one.uses.includes(app)).length;
  const room = Math.sqrt((box.width * box.height) / Math.max(places.length, 1));
  const base = Math.min(Math.max(room * 0.34, SMALLEST), LARGEST);
  const islands = places.map(({ app }) => {
    const chance = chanceFrom(hashOf(`${node} ${app}`));
    const size = base * importance(users(app));
    return {
      app,
      x: MARGIN.x + chance() * (box.width - 2 * MARGIN.x),
      y: MARGIN.top + chance() * (box.height - MARGIN.top - MARGIN.bottom),
      rx: size,
      ry: size * FLAT,
    };
  });
  const at = new Map(islands.map((one) => [one.app, one]));
  const ferries = places.flatMap(({ app, uses }) => uses.filter((each) => known.has(each)).map((each) => [app, each]));
  for (let round = 0; round < ROUNDS; round += 1) {
    const strength = 1 - round / ROUNDS;
    for (const [from = "", to = ""] of ferries) pull(at.get(from), at.get(to), 0.03 * strength);
    for (let one = 0; one < islands.length; one += 1)
      for (let other = one + 1; other < islands.length; other += 1)
        part(islands[one], islands[other], room * SPREAD * strength);
    for (const island of islands) {
      keepIn(island, box);
      for (const rect of box.keepOut) leave(island, rect, box);
    }
  }
  return islands.map(({ app, x, y, rx, ry }) => ({ app, x: Math.round(x), y: Math.round(y), rx, ry }));
}

function pull(one: Island | undefined, other: Island | undefined, share: number): void {
  if (!one || !other) return;
  const [dx, dy] = [other.x - one.x, other.y - one.y];
  const near = (one.rx + other.rx) * NEAR;
  if (Math.hypot(dx, dy) < near) return;
  one.x += dx * share;
  one.y += dy * share;
  other.x -= dx * share;
  other.y -= dy * share;
}

/** Moves two islands apart that lie too close: they may not touch, and while there is room they keep a distance. */
function part(one: Island | undefined, other: Island | undefined, distance: number): void {
  if (!one || !other) return;
  const wantedX = Math.max((one.rx + other.rx) * SHORE, distance);
  const wantedY = Math.max((one.ry + other.ry) * SHORE, distance * FLAT);
  let [dx, dy] = [(other.x - one.x) / wantedX, (other.y - one.y) / wantedY];
  let far = Math.hypot(dx, dy);
  if (far >= 1) return;
  if (far < 0.001) [dx, dy, far] = [one.app < other.app ? 1 : -1, 0.3, 1.044];
  const push = (1 - Math.min(far, 1) + 0.02) / 2;
  one.x -= (dx / far) * push * wantedX;
  one.y -= (dy / far) * push * wantedY;
  other.x += (dx / far) * push * wantedX;
  other.y += (dy / far) * push * wantedY;
}

/** Moves an island out of a rectangle, over the nearest side beyond which there is room. */
function leave(island: Island, rect: Rect, box: Box): void {
  const [left, right] = [rect.x - MARGIN.x * 0.8, rect.x + rect.width + MARGIN.x * 0.8];
  const [above, below] = [rect.y - MARGIN.bottom, rect.y + rect.height + MARGIN.top];
  if (island.x <= left || island.x >= right || island.y <= above || island.y >= below) return;
  const ways = [
    { far: island.x - left, fits: left >= MARGIN.x, go: () => (island.x = left) },
    { far: right - island.x, fits: right <= box.width - MARGIN.x, go: () => (island.x = right) },
    { far: island.y - above, fits: above >= MARGIN.top, go: () => (island.y = above) },
    { far: below - island.y, fits: below <= box.height - MARGIN.bottom, go: () => (island.y = below) },
  ];
  ways
    .filter((one) => one.fits)
    .sort((one, other) => one.far - other.far)[0]
    ?.go();
}

/** Keeps an island in the box: all of it where it is small enough, at least its pin where it is not. */
function keepIn(island: Island, box: Box): void {
  const within = (at: number, low: number, high: number): number =>
    low > high ? (low + high) / 2 : Math.min(Math.max(at, low), high);
  const shore = SHORE * island.rx;
  island.x = within(island.x, Math.max(shore, MARGIN.x), box.width - Math.max(shore, MARGIN.x));
  island.y = within(island.y, Math.max(shore * FLAT, MARGIN.top), box.height - Math.max(shore * FLAT, MARGIN.bottom));
}

/** Returns how many islands a box has room for, with pins that a finger can hit. */
export function capacityOf({ width, height, keepOut }: Box): number {
  const taken = keepOut.reduce((sum, rect) => sum + rect.width * rect.height, 0);
  return Math.max(Math.floor((width * height - taken) / EACH), 4);
}
