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

/** Where islands were before, in a box of that size. */
export interface Earlier {
  width: number;
  height: number;
  islands: ReadonlyArray<Pick<Island, "app" | "x" | "y">>;
}

export interface Box {
  width: number;
  height: number;
  /** Where no island may lie: text is there. */
  keepOut: readonly Rect[];
}

/** Half of an island's size where there is room, and where there is none. */
const LARGEST = 66;
const SMALLEST = 30;
/** How small an island becomes where another one is near. */
const LEAST = 24;
const FLAT = 0.74;
/** Where the beach of an island is, for half of its size. */
const SHORE = 1.12;
/** Distance from which those that use one another are drawn closer, for the sum of their sizes. */
const NEAR = 2.2;
/** Pixels between two pins at the least, so that a finger hits the one that is meant. */
const APART = 38;
/** Square pixels of the box for each island at the least. */
const EACH = 5_600;
/** Room that a pin and its label need around an island's middle. */
const MARGIN = { x: 58, top: 34, bottom: 44 };
/** Pixels between the places that are compared. */
const STEP = { least: 20, most: 48 };
/** How far islands try to keep apart, for the side of the square that each has. */
const ROOMY = 0.8;
/** What a place costs for lying close to others, far from what it uses, at the edge, and away from where it is wanted. */
const COST = { crowd: 8, far: 3, edge: 0.5, strange: 0.35, moved: 6 };

interface Spot {
  x: number;
  y: number;
}

/** How much larger an island is for each app that uses it. */
const importance = (users: number): number => Math.min(0.82 + 0.17 * users, 1.5);
/** Not by `Math.hypot`, which takes many times as long. */
const between = (one: Spot, other: Spot): number => Math.sqrt((one.x - other.x) ** 2 + (one.y - other.y) ** 2);

/**
 * Places islands in a box. Each that was there before stays, as long as there is such a place in the box and no text lies on
 * it; another one gets the best place that is left: away from the others, near those that it uses, and otherwise where the
 * ids of the node and the app say. So it is always the same for a node, its apps, the box and what was there before.
 */
export function layOut(node: string, places: readonly Place[], box: Box, earlier?: Earlier): Island[] {
  const users = new Map(places.map((one) => [one.app, 0]));
  for (const { uses } of places) for (const app of uses) if (users.has(app)) users.set(app, (users.get(app) ?? 0) + 1);
  const room = Math.sqrt((box.width * box.height) / Math.max(places.length, 1));
  const base = Math.min(Math.max(room * 0.34, SMALLEST), LARGEST);
  const sizeOf = (app: string): number => base * importance(users.get(app) ?? 0);
  const before = within(box, earlier);
  const at = new Map<string, Spot>();
  for (const { app } of places) {
    const spot = before.get(app);
    if (spot && isFree(spot, box, at.values())) at.set(app, spot);
  }
  for (const place of usedFirst(places)) {
    if (at.has(place.app)) continue;
    const others = [...at].map(([app, spot]) => ({ ...spot, size: sizeOf(app), linked: linked(places, place, app) }));
    at.set(place.app, bestSpot(`${node} ${place.app}`, sizeOf(place.app), box, room, others, before.get(place.app)));
  }
  return places.map(({ app }) => {
    const spot = at.get(app)!;
    const most = [...at].map(([other, there]) =>
      other === app ? Infinity : share(sizeOf(app), spot, sizeOf(other), there),
    );
    const rx = Math.max(Math.min(sizeOf(app), ...most, toEdge(spot, box)), Math.min(LEAST, sizeOf(app)));
    return { app, ...spot, rx, ry: rx * FLAT };
  });
}

/** Returns where islands were, in a box of another size: at the same shares of it, unless it has only grown higher. */
function within(box: Box, earlier?: Earlier): Map<string, Spot> {
  if (!earlier) return new Map();
  const [wide, high] = earlier.width === box.width ? [1, 1] : [box.width / earlier.width, box.height / earlier.height];
  return new Map(earlier.islands.map(({ app, x, y }) => [app, { x: Math.round(x * wide), y: Math.round(y * high) }]));
}

/** Returns the places so that an app comes after those that it uses, and otherwise by their names. */
function usedFirst(places: readonly Place[]): Place[] {
  const left = new Map(places.map((one) => [one.app, one]));
  const ordered: Place[] = [];
  const take = (app: string): void => {
    const place = left.get(app);
    if (!place || !left.delete(app)) return;
    [...place.uses].sort().forEach(take);
    ordered.push(place);
  };
  [...left.keys()].sort().forEach(take);
  return ordered;
}

const linked = (places: readonly Place[], one: Place, other: string): boolean =>
  one.uses.includes(other) || places.some(({ app, uses }) => app === other && uses.includes(one.app));

/** Tells whether a pin fits there: all of it in the box, off the texts, and away from the other pins. */
function isFree(spot: Spot, box: Box, others: Iterable<Spot>): boolean {
  const { x, y } = spot;
  if (x < MARGIN.x || x > box.width - MARGIN.x || y < MARGIN.top || y > box.height - MARGIN.bottom) return false;
  return isOffText(spot, box) && [...others].every((other) => between(spot, other) >= APART);
}

const isOffText = ({ x, y }: Spot, box: Box): boolean =>
  box.keepOut.every(
    (rect) =>
      x <= rect.x - MARGIN.x * 0.8 ||
      x >= rect.x + rect.width + MARGIN.x * 0.8 ||
      y <= rect.y - MARGIN.bottom ||
      y >= rect.y + rect.height + MARGIN.top,
  );

/** Returns the place that costs least. `room` is the side of the square that each island has. */
function bestSpot(
  key: string,
  size: number,
  box: Box,
  room: number,
  others: ReadonlyArray<Spot & { size: number; linked: boolean }>,
  before: Spot | undefined,
): Spot {
  const chance = chanceFrom(hashOf(key));
  const area = sea(size, box);
  const wish = before ?? { x: area.x + chance() * area.width, y: area.y + chance() * area.height };
  const diagonal = Math.hypot(box.width, box.height);
  const edge = ({ x, y }: Spot): number => Math.max(Math.abs(x / box.width - 0.5), Math.abs(y / box.height - 0.5)) * 2;
  const cost = (spot: Spot): number => {
    let sum = ((before ? COST.moved : COST.strange) * between(spot, wish)) / diagonal + COST.edge * edge(spot) ** 3;
    for (const other of others) {
      const far = between(spot, other);
      const wanted = Math.max((size + other.size) * SHORE, room * ROOMY);
      if (far < wanted) sum += COST.crowd * (1 - far / wanted) ** 2;
      if (far < APART) sum += COST.crowd * 10;
      if (other.linked) sum += (COST.far * Math.max(far - (size + other.size) * NEAR, 0)) / diagonal;
    }
    return sum;
  };
  const spots = spotsOf(area, Math.min(Math.max(room / 4, STEP.least), STEP.most), chance);
  const free = spots.filter((spot) => isOffText(spot, box));
  const costs = (free.length ? free : spots).map((spot) => ({ spot, cost: cost(spot) }));
  return costs.reduce((best, one) => (one.cost < best.cost ? one : best)).spot;
}

/** Returns the part of a box in which the middle of an island may lie: all of it is in the box where it is small enough, else its pin. */
function sea(size: number, box: Box): Rect {
  const side = (whole: number, start: number, end: number): [number, number] =>
    start + end > whole ? [whole / 2, 0] : [start, whole - start - end];
  const shore = SHORE * size;
  const [x, width] = side(box.width, Math.max(shore, MARGIN.x), Math.max(shore, MARGIN.x));
  const [y, height] = side(box.height, Math.max(shore * FLAT, MARGIN.top), Math.max(shore * FLAT, MARGIN.bottom));
  return { x, y, width, height };
}

/** Returns places all over an area, `step` pixels from one another, each a bit away from the grid. */
function spotsOf({ x, y, width, height }: Rect, step: number, chance: () => number): Spot[] {
  const [columns, rows] = [Math.ceil(width / step), Math.ceil(height / step)];
  const along = (at: number, count: number): number =>
    count ? Math.min(Math.max((at + (chance() - 0.5) * 0.6) / count, 0), 1) : 0;
  return Array.from({ length: (columns + 1) * (rows + 1) }, (_, at) => ({
    x: Math.round(x + along(at % (columns + 1), columns) * width),
    y: Math.round(y + along(Math.floor(at / (columns + 1)), rows) * height),
  }));
}

/** Returns how large an island may be so that it does not touch another one, which gets its share too. */
function share(size: number, spot: Spot, other: number, there: Spot): number {
  const far = Math.hypot(spot.x - there.x, (spot.y - there.y) / FLAT);
  return (far / SHORE) * (size / (size + other));
}

/** Returns how large an island may be so that all of it is in the box. */
const toEdge = ({ x, y }: Spot, box: Box): number =>
  Math.min(x, box.width - x, y / FLAT, (box.height - y) / FLAT) / SHORE;

/** Returns how many islands a box has room for, with pins that a finger can hit. */
export function capacityOf({ width, height, keepOut }: Box): number {
  const taken = keepOut.reduce((sum, rect) => sum + rect.width * rect.height, 0);
  return Math.max(Math.floor((width * height - taken) / EACH), 4);
}
