import type { LogLine } from "../api/types";
import { isAtLeast, type Level } from "./logLevel";

/** Milliseconds that a search takes of a frame before it lets the page go on. */
const SLICE = 8;
/** Lines between two looks at the clock. */
const STRIDE = 500;
/** Lines that are thrown away at once, so that an array of a million is not moved for each. */
const DROPPED = 5000;

/** A line with its number, which stays the same when older lines go. */
export interface NumberedLine {
  number: number;
  line: LogLine;
}

interface Clock {
  now(): number;
  /** Returns once the page has had its turn. */
  pause(): Promise<void>;
}

const CLOCK: Clock = { now: () => performance.now(), pause: () => new Promise((go) => setTimeout(go)) };

/**
 * The newest lines of a log, up to a number of characters, and those among them that hold a text.
 *
 * A search goes through everything in slices, the newest lines first; lines that come later are looked at as they come.
 */
export class LogBuffer {
  private lines: LogLine[] = [];
  /** Number of the first line that is held. */
  private first = 0;
  private size = 0;
  private wanted = "";
  private least: Level = "debug";
  /** Numbers of lines that fit, in order. */
  private fits: number[] = [];
  private round = 0;

  constructor(
    private readonly limit: number,
    private readonly clock: Clock = CLOCK,
  ) {}

  /** Number of lines that are held, and their characters. */
  get length(): number {
    return this.lines.length;
  }
  get characters(): number {
    return this.size;
  }
  /** Number of lines that fit, as far as they were looked for. */
  get found(): number {
    return this.narrowed ? this.fits.length : this.lines.length;
  }

  /** Takes lines in; returns how many of those that fit went because there are too many. */
  add(fresh: LogLine[]): number {
    for (const line of fresh) {
      const number = this.first + this.lines.push(line) - 1;
      this.size += line.text.length;
      if (this.narrowed && this.fit(line)) this.fits.push(number);
    }
    let gone = 0;
    while (this.size > this.limit && this.lines.length > DROPPED) {
      for (const line of this.lines.splice(0, DROPPED)) this.size -= line.text.length;
      this.first += DROPPED;
      gone += DROPPED;
    }
    if (!gone || !this.narrowed) return gone;
    const kept = this.fits.findIndex((number) => number >= this.first);
    return this.fits.splice(0, kept < 0 ? this.fits.length : kept).length;
  }

  clear(): void {
    this.first += this.lines.length;
    this.lines = [];
    this.fits = [];
    this.size = 0;
    this.round += 1;
  }

  /**
   * Looks for the lines with a text, whatever its case, that are at least so serious; `progress` is told after each slice how many older lines were found in it.
   * Returns false where another search or `clear` has come in between.
   */
  async search(text: string, progress: (older: number) => void, least: Level = "debug"): Promise<boolean> {
    const round = ++this.round;
    this.wanted = text.toLowerCase();
    this.least = least;
    this.fits = [];
    if (!this.narrowed) return true;
    // What comes from now on is looked at by `add`.
    let at = this.first + this.lines.length;
    while (at > this.first) {
      const found: number[] = [];
      const until = this.clock.now() + SLICE;
      while (at > this.first && this.clock.now() < until) {
        const end = Math.max(this.first, at - STRIDE);
        while (at > end) {
          at -= 1;
          if (this.fit(this.lines[at - this.first] as LogLine)) found.push(at);
        }
      }
      this.fits = [...found.reverse(), ...this.fits];
      progress(found.length);
      await this.clock.pause();
      if (round !== this.round) return false;
    }
    return true;
  }

  /** Returns at most `count` lines that fit; the last of them is the `end`-th, counted from the first that fits. */
  slice(end: number, count: number): NumberedLine[] {
    const from = Math.max(0, end - count);
    if (this.narrowed) return this.fits.slice(from, end).map((number) => this.numbered(number));
    return this.lines.slice(from, end).map((line, at) => ({ number: this.first + from + at, line }));
  }

  /** Returns all lines that fit. */
  all(): LogLine[] {
    return this.slice(this.found, this.found).map(({ line }) => line);
  }

  private numbered(number: number): NumberedLine {
    return { number, line: this.lines[number - this.first] as LogLine };
  }

  private get narrowed(): boolean {
    return this.wanted !== "" || this.least !== "debug";
  }

  private fit(line: LogLine): boolean {
    return line.text.toLowerCase().includes(this.wanted) && isAtLeast(line, this.least);
  }
}
