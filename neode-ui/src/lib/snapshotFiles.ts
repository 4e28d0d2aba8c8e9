import type { Operation, SnapshotFileView } from "../api/types";
import { currentStep } from "./operations";

/** Where the files of a snapshot begin. */
export const TOP = "volumes";

/** A folder on the way from the top to another one. */
export interface Crumb {
  name: string;
  path: string;
}

/** Returns the folders that lead to one, the top first and itself last. */
export function crumbsOf(path: string): Crumb[] {
  const names = path.split("/");
  return names.map((name, at) => ({ name, path: names.slice(0, at + 1).join("/") }));
}

type Piece = Pick<SnapshotFileView, "content" | "size">;

/**
 * Reads a file piece by piece; `told` gets how many of its bytes are there. Returns its parts, or undefined where nobody
 * wants it any more (`isOver`).
 */
export async function readWhole(
  read: (offset: number) => Promise<Piece>,
  told: (done: number, size: number) => void,
  isOver: () => boolean,
): Promise<Uint8Array<ArrayBuffer>[] | undefined> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let [done, size] = [0, 1];
  while (done < size) {
    if (isOver()) return undefined;
    const piece = await read(done);
    const part = Uint8Array.from(atob(piece.content), (letter) => letter.charCodeAt(0));
    if (!part.length) break;
    parts.push(part);
    done += part.length;
    size = piece.size;
    told(done, size);
  }
  return parts;
}

/** A copy of an app that has come up from a snapshot. */
export interface RunningCopy {
  /** When it ends, in milliseconds since 1970. */
  until: number;
  /** Addresses on the node's own machine. */
  pages: string[];
}

/** Returns the copy that an operation keeps running; undefined before it has come up. */
export function copyOf(operation: Operation): RunningCopy | undefined {
  const { minutes, pages } = currentStep(operation)?.messages?.detail?.parameters ?? {};
  if (typeof minutes !== "string") return undefined;
  return {
    until: Date.parse(operation.updated_at) + Number(minutes) * 60_000,
    pages: typeof pages === "string" ? pages.split(", ") : [],
  };
}
