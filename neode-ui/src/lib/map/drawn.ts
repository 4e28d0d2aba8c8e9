import { layOut, type Box, type Earlier, type Island, type Place } from "./layout";
import { terrainOf } from "./terrain";

/** What is to be drawn: apps, each with how far its island stands out of the sea. */
export interface Wanted {
  node: string;
  places: ReadonlyArray<Place & { height: number }>;
  box: Box;
  /** How much larger than usual the islands are. */
  scale?: number;
}

export interface Drawn extends Earlier {
  node: string;
  islands: Island[];
  levels: string[];
}

/** Returns the map of a node; islands of the map before stay where they are. */
export function drawn({ node, places, box, scale = 1 }: Wanted, before?: Earlier): Drawn {
  const heights = new Map(places.map(({ app, height }) => [app, height]));
  const islands = layOut(node, places, box, before);
  const lands = islands.map((one) => ({
    ...one,
    rx: one.rx * scale,
    ry: one.ry * scale,
    height: heights.get(one.app) ?? 1,
  }));
  return { node, width: box.width, height: box.height, islands, ...terrainOf(node, lands, box.width, box.height) };
}
