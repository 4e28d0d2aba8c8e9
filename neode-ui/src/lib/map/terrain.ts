import { contours } from "d3-contour";
import { createNoise2D } from "simplex-noise";
import { chanceFrom, hashOf } from "./chance";
import type { Island } from "./layout";

/** An island with how far it stands out of the sea: 1 for one whose app runs, `SUNKEN` for one under water. */
export interface Land extends Island {
  height: number;
}

export interface Terrain {
  /** Outlines as data of SVG paths, the lowest first: five depths of the sea, then five heights of land. */
  levels: string[];
}

const STEP = 8;
/** Heights at which the outlines run: the first five are depths. */
const LEVELS = [-0.04, 0.03, 0.1, 0.18, 0.27, 0.4, 0.5, 0.62, 0.75, 0.88];
/** Index of the lowest outline of land. */
export const SHORE_LEVEL = 5;
/** An island as high as this stays just under water. */
export const SUNKEN = 0.36;

/** Returns the outlines of islands and of the sea between them: always the same ones for a node, its islands and the size. */
export function terrainOf(node: string, lands: readonly Land[], width: number, height: number): Terrain {
  const noise = createNoise2D(chanceFrom(hashOf(node)));
  // One column and row more on each side, so that no outline ends where it is seen.
  const columns = Math.ceil(width / STEP) + 3;
  const rows = Math.ceil(height / STEP) + 3;
  const field = new Float64Array(columns * rows);
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1)
      field[row * columns + column] = heightAt(noise, lands, (column - 1) * STEP, (row - 1) * STEP);
  const found = contours().size([columns, rows]).thresholds(LEVELS)(Array.from(field));
  return { levels: found.map(({ coordinates }) => pathOf(coordinates)) };
}

type Noise = (x: number, y: number) => number;

function heightAt(noise: Noise, lands: readonly Land[], x: number, y: number): number {
  let highest = 0;
  for (const land of lands) {
    const [dx, dy] = [(x - land.x) / land.rx, (y - land.y) / land.ry];
    const far = dx * dx + dy * dy;
    if (far > 9) continue;
    const angle = Math.atan2(dy, dx);
    const wide = 1 + 0.28 * noise(Math.cos(angle) * 1.3 + land.x, Math.sin(angle) * 1.3 + land.y);
    highest = Math.max(highest, land.height * Math.exp((-far / (wide * wide)) * 0.9));
  }
  return highest + 0.1 * noise(x / 95, y / 95) + 0.04 * noise(x / 36, y / 36);
}

/** Returns polygons as the data of a path: whole pixels, each point relative to the one before. */
function pathOf(polygons: number[][][][]): string {
  const parts: string[] = [];
  for (const ring of polygons.flat()) {
    const points = ring.map(([x = 0, y = 0]) => [Math.round((x - 1.5) * STEP), Math.round((y - 1.5) * STEP)] as const);
    const [first] = points;
    if (!first) continue;
    let [atX, atY] = first;
    const steps: string[] = [];
    for (const [x, y] of points.slice(1, -1)) {
      if (x === atX && y === atY) continue;
      steps.push(`${x - atX}${y - atY < 0 ? "" : " "}${y - atY}`);
      [atX, atY] = [x, y];
    }
    if (steps.length > 2) parts.push(`M${first[0]} ${first[1]}l${steps.join(" ")}z`);
  }
  return parts.join("");
}
