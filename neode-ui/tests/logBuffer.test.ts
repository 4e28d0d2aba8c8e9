import { describe, expect, it, vi } from "vitest";
import type { LogLine } from "../src/api/types";
import { LogBuffer } from "../src/lib/logBuffer";
import { logLine } from "./samples";

/** Lines that are looked at between two looks at the clock, and that are dropped at once. */
const STRIDE = 500;
const DROPPED = 5000;
const ENOUGH = 1_000_000;

/** A clock on which each stride of a search takes a slice's whole time; `pause` is told each time, and may do something. */
function busyClock(pause: (turn: number) => unknown = () => {}) {
  let time = 0;
  let turn = 0;
  return { now: () => (time += 5), pause: vi.fn(async () => void (await pause(++turn))) };
}

function lines(count: number, text: (at: number) => string = (at) => `line ${at}`): LogLine[] {
  return Array.from({ length: count }, (_, at) => logLine({ text: text(at) }));
}

const texts = (buffer: LogBuffer) => buffer.all().map((line) => line.text);
const numbers = (buffer: LogBuffer) => buffer.slice(buffer.found, buffer.found).map((one) => one.number);

describe("a buffer of lines", () => {
  it("holds lines in order, and counts them and their characters", () => {
    const buffer = new LogBuffer(ENOUGH);
    expect(buffer.add([logLine({ text: "one" }), logLine({ text: "three" })])).toBe(0);
    expect(buffer.add([])).toBe(0);
    buffer.add([logLine({ text: "" })]);
    expect([buffer.length, buffer.characters, buffer.found]).toEqual([3, 8, 3]);
    expect(texts(buffer)).toEqual(["one", "three", ""]);
    expect(numbers(buffer)).toEqual([0, 1, 2]);
  });

  it("is empty once it is cleared", () => {
    const buffer = new LogBuffer(ENOUGH);
    buffer.add(lines(10));
    buffer.clear();
    expect([buffer.length, buffer.characters, buffer.found]).toEqual([0, 0, 0]);
    expect(buffer.slice(10, 10)).toEqual([]);
    buffer.add([logLine({ text: "new" })]);
    expect(texts(buffer)).toEqual(["new"]);
  });

  it("gives no number a second time, even after it was cleared", () => {
    const buffer = new LogBuffer(6000);
    buffer.add(lines(6000, () => "xx"));
    expect(numbers(buffer)[0]).toBe(DROPPED);
    buffer.clear();
    buffer.add(lines(2));
    expect(numbers(buffer)).toEqual([6000, 6001]);
    buffer.clear();
    buffer.clear();
    buffer.add(lines(1));
    expect(numbers(buffer)).toEqual([6002]);
  });

  it("hands out the lines before an end, and no more than there are", () => {
    const buffer = new LogBuffer(ENOUGH);
    buffer.add(lines(10));
    const window = (end: number, count: number) => buffer.slice(end, count).map((one) => one.number);
    expect(window(10, 3)).toEqual([7, 8, 9]);
    expect(window(5, 3)).toEqual([2, 3, 4]);
    expect(window(2, 3)).toEqual([0, 1]);
    expect(window(0, 3)).toEqual([]);
    expect(window(12, 4)).toEqual([8, 9]);
  });
});

describe("a buffer that is full", () => {
  it("drops its oldest lines, many at once", () => {
    const buffer = new LogBuffer(6000);
    buffer.add(lines(6000, () => "x"));
    expect(buffer.length).toBe(6000);
    expect(buffer.add([logLine({ text: "y" })])).toBe(DROPPED);
    expect([buffer.length, buffer.characters]).toEqual([1001, 1001]);
    expect(texts(buffer).at(-1)).toBe("y");
  });

  it("leaves each line that stays its number", () => {
    const buffer = new LogBuffer(6000);
    buffer.add(lines(6000, () => "x"));
    const before = buffer.slice(6000, 3);
    buffer.add([logLine({ text: "y" })]);
    expect(numbers(buffer)[0]).toBe(DROPPED);
    expect(buffer.slice(buffer.found - 1, 3)).toEqual(before);
  });

  it("drops as often as needed where very much comes at once", () => {
    const buffer = new LogBuffer(10);
    expect(buffer.add(lines(2 * DROPPED + 20, () => "x"))).toBe(2 * DROPPED);
    expect(buffer.length).toBe(20);
    expect(numbers(buffer)[0]).toBe(2 * DROPPED);
  });

  it("keeps few lines whatever their length", () => {
    const buffer = new LogBuffer(10);
    expect(buffer.add(lines(DROPPED, () => "long"))).toBe(0);
    expect(buffer.length).toBe(DROPPED);
  });

  it("tells how many of those that fit are gone, and no others", async () => {
    const buffer = new LogBuffer(12_000, busyClock());
    buffer.add(lines(6000, (at) => (at % 100 ? "xx" : "yy")));
    await buffer.search("Y", () => {});
    expect(buffer.found).toBe(60);
    expect(buffer.add([logLine({ text: "yy" })])).toBe(50);
    expect(buffer.found).toBe(11);
    expect(numbers(buffer)).toEqual([5000, 5100, 5200, 5300, 5400, 5500, 5600, 5700, 5800, 5900, 6000]);
  });

  it("loses all that fit where all of them are old", async () => {
    const buffer = new LogBuffer(6000, busyClock());
    buffer.add(lines(6000, (at) => (at < 10 ? "y" : "x")));
    await buffer.search("y", () => {});
    expect(buffer.add([logLine({ text: "x" })])).toBe(10);
    expect(buffer.found).toBe(0);
    expect(texts(buffer)).toEqual([]);
  });
});

describe("a search", () => {
  it("finds what holds the text, whatever its case, in order and with its number", async () => {
    const buffer = new LogBuffer(ENOUGH, busyClock());
    buffer.add(["Warning: disk", "fine", "a WARNING again", "warn"].map((text) => logLine({ text })));
    expect(await buffer.search("wArNing", () => {})).toBe(true);
    expect(texts(buffer)).toEqual(["Warning: disk", "a WARNING again"]);
    expect(numbers(buffer)).toEqual([0, 2]);
    expect(buffer.slice(1, 5).map((one) => one.number)).toEqual([0]);
    expect([buffer.found, buffer.length]).toEqual([2, 4]);
  });

  it("takes the text as it is", async () => {
    const buffer = new LogBuffer(ENOUGH, busyClock());
    buffer.add(["a.c", "abc", "(", "["].map((text) => logLine({ text })));
    await buffer.search("a.c", () => {});
    expect(texts(buffer)).toEqual(["a.c"]);
    await buffer.search("(", () => {});
    expect(texts(buffer)).toEqual(["("]);
  });

  it("for nothing shows everything again", async () => {
    const clock = busyClock();
    const buffer = new LogBuffer(ENOUGH, clock);
    buffer.add(lines(3));
    await buffer.search("no such line", () => {});
    expect(buffer.found).toBe(0);
    clock.pause.mockClear();
    expect(await buffer.search("", () => {})).toBe(true);
    expect(buffer.found).toBe(3);
    expect(clock.pause).not.toHaveBeenCalled();
  });

  it("looks at lines as they come, once it is done", async () => {
    const buffer = new LogBuffer(ENOUGH, busyClock());
    await buffer.search("yes", () => {});
    buffer.add(["yes", "no", "oh yes"].map((text) => logLine({ text })));
    expect(texts(buffer)).toEqual(["yes", "oh yes"]);
    buffer.clear();
    expect(buffer.found).toBe(0);
    buffer.add([logLine({ text: "yes" }), logLine({ text: "no" })]);
    expect(texts(buffer)).toEqual(["yes"]);
  });

  it("works by the browser's own clock too", async () => {
    const buffer = new LogBuffer(ENOUGH);
    buffer.add(lines(20_000));
    expect(await buffer.search("line 1999", () => {})).toBe(true);
    expect(texts(buffer)).toEqual(["line 1999", ...lines(10).map((_, at) => `line 1999${at}`)]);
  });
});

describe("a search through much", () => {
  it("lets other work have its turn between slices", async () => {
    const clock = busyClock();
    const buffer = new LogBuffer(ENOUGH, clock);
    buffer.add(lines(10 * STRIDE));
    const progress = vi.fn();
    await buffer.search("line", progress);
    expect(clock.pause).toHaveBeenCalledTimes(10);
    expect(progress).toHaveBeenCalledTimes(10);
  });

  it("takes no more turns than it needs where the host is fast", async () => {
    const clock = { now: () => 0, pause: vi.fn(async () => {}) };
    const buffer = new LogBuffer(ENOUGH, clock);
    buffer.add(lines(20 * STRIDE));
    await buffer.search("line", () => {});
    expect(clock.pause).toHaveBeenCalledTimes(1);
  });

  it("goes on where a slice was over before it began", async () => {
    let time = 0;
    let looks = 0;
    const clock = { now: () => (time += ++looks % 4 === 2 ? 1000 : 1), pause: vi.fn(async () => {}) };
    const buffer = new LogBuffer(ENOUGH, clock);
    buffer.add(lines(3 * STRIDE));
    expect(await buffer.search("line", () => {})).toBe(true);
    expect(buffer.found).toBe(3 * STRIDE);
  });

  it("shows the newest that fit first, and what is shown is in order all the time", async () => {
    const buffer = new LogBuffer(ENOUGH, busyClock());
    buffer.add(lines(3 * STRIDE + 100, (at) => (at % 100 ? "no" : "yes")));
    const seen: number[][] = [];
    await buffer.search("yes", () => seen.push(numbers(buffer)));
    expect(seen.map((one) => one.length)).toEqual([5, 10, 15, 16]);
    expect(seen[0]).toEqual([1100, 1200, 1300, 1400, 1500]);
    for (const one of seen) expect(one).toEqual(one.toSorted((a, b) => a - b));
  });

  it("tells how many older lines were found each time, whatever comes meanwhile", async () => {
    const clock = busyClock(() => buffer.add([logLine({ text: "yes" })]));
    const buffer: LogBuffer = new LogBuffer(ENOUGH, clock);
    buffer.add(lines(3 * STRIDE, (at) => (at < STRIDE || at % 100 ? "no" : "yes")));
    const older: number[] = [];
    await buffer.search("yes", (found) => older.push(found));
    expect(older).toEqual([5, 5, 0]);
  });

  it("finds lines that come meanwhile once, and in order", async () => {
    const clock = busyClock(
      (turn) => turn <= 3 && buffer.add([logLine({ text: `yes, new ${turn}` }), logLine({ text: "no" })]),
    );
    const buffer: LogBuffer = new LogBuffer(ENOUGH, clock);
    buffer.add(lines(4 * STRIDE, (at) => (at % STRIDE ? "no" : `yes ${at}`)));
    expect(await buffer.search("yes", () => {})).toBe(true);
    expect(texts(buffer)).toEqual([
      "yes 0",
      "yes 500",
      "yes 1000",
      "yes 1500",
      "yes, new 1",
      "yes, new 2",
      "yes, new 3",
    ]);
    expect(numbers(buffer)).toEqual([0, 500, 1000, 1500, 2000, 2002, 2004]);
  });

  it("does not go back to lines that were dropped meanwhile", async () => {
    const clock = busyClock((turn) => turn === 1 && buffer.add([logLine({ text: "y" })]));
    const buffer: LogBuffer = new LogBuffer(2 * DROPPED, clock);
    buffer.add(lines(2 * DROPPED, (at) => (at % 100 ? "x" : "y")));
    expect(await buffer.search("y", () => {})).toBe(true);
    expect(numbers(buffer)[0]).toBe(DROPPED);
    expect(buffer.found).toBe(51);
    expect(clock.pause).toHaveBeenCalledTimes(10);
  });

  it("is overtaken by a later one, whose lines alone are found", async () => {
    let later: Promise<boolean> | undefined;
    const clock = busyClock((turn) => void (turn === 2 && (later = buffer.search("line 7", () => {}))));
    const buffer: LogBuffer = new LogBuffer(ENOUGH, clock);
    buffer.add(lines(5 * STRIDE));
    expect(await buffer.search("line 1", () => {})).toBe(false);
    expect(await later).toBe(true);
    expect(texts(buffer)).toEqual(
      lines(5 * STRIDE)
        .map((line) => line.text)
        .filter((text) => text.includes("line 7")),
    );
  });

  it("is overtaken by one for nothing", async () => {
    const clock = busyClock((turn) => void (turn === 1 && buffer.search("", () => {})));
    const buffer: LogBuffer = new LogBuffer(ENOUGH, clock);
    buffer.add(lines(5 * STRIDE));
    expect(await buffer.search("7", () => {})).toBe(false);
    expect(buffer.found).toBe(5 * STRIDE);
  });

  it("ends where the buffer is cleared; what comes then is still looked at", async () => {
    const clock = busyClock((turn) => {
      if (turn !== 1) return;
      buffer.clear();
      buffer.add([logLine({ text: "line of another log" }), logLine({ text: "other" })]);
    });
    const buffer: LogBuffer = new LogBuffer(ENOUGH, clock);
    buffer.add(lines(5 * STRIDE));
    expect(await buffer.search("line", () => {})).toBe(false);
    expect(texts(buffer)).toEqual(["line of another log"]);
    expect(clock.pause).toHaveBeenCalledTimes(1);
  });
});

describe("whatever is done", () => {
  /** Numbers that look random and are the same each time (mulberry32). */
  function dice(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
    };
  }

  /** The same as the buffer, without care for how long it takes. */
  class Model {
    held: LogLine[] = [];
    wanted = "";

    constructor(private readonly limit: number) {}

    get size(): number {
      return this.held.reduce((sum, line) => sum + line.text.length, 0);
    }
    get fits(): LogLine[] {
      return this.held.filter((line) => line.text.toLowerCase().includes(this.wanted));
    }
    /** Takes lines in; returns how many that fit went. */
    add(fresh: LogLine[]): number {
      this.held.push(...fresh);
      const before = this.fits.length;
      while (this.size > this.limit && this.held.length > DROPPED) this.held = this.held.slice(DROPPED);
      return before - this.fits.length;
    }
  }

  const same = (some: LogLine[], others: LogLine[]) =>
    some.length === others.length && some.every((line, at) => line === others[at]);

  it("holds and finds the same lines as a simple model, each with a number that stays", async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const roll = dice(seed);
      const limit = 4000 + roll(16_000);
      const model = new Model(limit);
      const known = new Map<LogLine, number>();
      const batch = () =>
        Array.from({ length: roll(3000) }, () => logLine({ text: ["", "a", "Ab", "bA c", "d"][roll(5)] }));
      /** How many more things happen while a search rests, and whether one of them overtook it. */
      let meanwhile = 0;
      let overtaken: boolean;

      const clock = busyClock(() => {
        if (meanwhile <= 0 || roll(3)) return;
        meanwhile -= 1;
        if (roll(8)) return add(true);
        overtaken = true;
        clear();
      });
      const buffer = new LogBuffer(limit, clock);

      function add(searching = false): void {
        const fresh = batch();
        const before = buffer.found;
        const gone = buffer.add(fresh);
        const wentOfAll = model.add(fresh);
        const came = fresh.filter((line) => line.text.toLowerCase().includes(model.wanted)).length;
        expect(buffer.found, `seed ${seed}`).toBe(before + came - gone);
        if (!searching) expect(gone, `seed ${seed}`).toBe(wentOfAll);
      }
      function clear(): void {
        buffer.clear();
        model.held = [];
      }
      function compare(): void {
        expect(same(buffer.all(), model.fits), `seed ${seed}`).toBe(true);
        expect([buffer.length, buffer.characters, buffer.found], `seed ${seed}`).toEqual([
          model.held.length,
          model.size,
          model.fits.length,
        ]);
        const all = buffer.slice(buffer.found, buffer.found);
        const inOrder = all.every(({ number }, at) => !at || number > (all[at - 1]?.number ?? Infinity));
        const stable = all.every(({ number, line }) => (known.get(line) ?? number) === number);
        expect([inOrder, stable], `seed ${seed}`).toEqual([true, true]);
        for (const { number, line } of all) known.set(line, number);
        const end = roll(buffer.found + 10);
        const count = roll(800);
        const window = buffer.slice(end, count).map(({ line }) => line);
        expect(same(window, model.fits.slice(Math.max(0, end - count), end)), `seed ${seed}`).toBe(true);
      }

      for (let step = 0; step < 12; step += 1) {
        const what = roll(10);
        if (what < 6) add();
        else if (what < 9) {
          model.wanted = ["", "a", "b", "B", "a c", "nothing"][roll(6)] as string;
          model.wanted = model.wanted.toLowerCase();
          meanwhile = roll(4);
          overtaken = false;
          expect(await buffer.search(model.wanted.toUpperCase(), () => {}), `seed ${seed}`).toBe(!overtaken);
        } else clear();
        compare();
      }
    }
  });
});
