import type { LogLine } from "../api/types";

/**
 * Remembers where in the log of one container a reader is: tells new lines from those that come again after a reconnection.
 *
 * Lines that were written at once share a time, so those of the newest time are counted by their text. A log is written in
 * the order of its times: once the lines of the newest time have come again, everything is new.
 */
export class LogCursor {
  private newest = "";
  private atNewest = new Map<string, number>();
  /** Lines of the newest time that have not come again; while there are any, what comes is old. */
  private awaited = new Map<string, number>();
  /** Whether a line that was read before has come again since the reconnection. */
  met = false;
  /** Whether none of this container's lines that were read before has come again ahead of the line that was last taken. */
  gap = false;

  /** Says that the lines which come next may have been read before. */
  reopen(): void {
    this.awaited = new Map(this.atNewest);
    this.met = false;
  }

  /** Takes a line in; returns whether it was never taken before. */
  take(line: LogLine): boolean {
    this.gap = false;
    if (!line.at) return true;
    const at = comparable(line.at);
    const key = `${line.stream} ${line.text}`;
    if (at > this.newest) {
      this.gap = this.awaited.size > 0 && !this.met;
      this.newest = at;
      this.atNewest = new Map();
      this.awaited = new Map();
    } else if (this.awaited.size) {
      this.met = true;
      const left = at === this.newest ? (this.awaited.get(key) ?? 0) : 0;
      if (left > 1) this.awaited.set(key, left - 1);
      else if (left) this.awaited.delete(key);
      return false;
    }
    if (at === this.newest) this.atNewest.set(key, (this.atNewest.get(key) ?? 0) + 1);
    return true;
  }
}

/** Returns a time that sorts as text: the node leaves out the fraction of a whole second. */
function comparable(at: string): string {
  return at.replace(/(:\d\d)Z$/, "$1.000000Z");
}
