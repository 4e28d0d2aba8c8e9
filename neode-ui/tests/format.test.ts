import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ago, bytes, clock, moment, percent, plain, span, since } from "../src/lib/format";

beforeEach(() => void vi.stubGlobal("navigator", { languages: ["en-US"] }));
afterEach(() => vi.unstubAllGlobals());

describe("bytes", () => {
  it("takes binary units, and the decimal sign of the language", () => {
    expect(bytes(0, "en")).toBe("0 B");
    expect(bytes(1023, "en")).toBe("1,023 B");
    expect(bytes(1536, "en")).toBe("1.5 KiB");
    expect(bytes(1536, "de")).toBe("1,5 KiB");
    expect(bytes(25 * 1024 ** 3, "en")).toBe("25 GiB");
    expect(bytes(5000 * 1024 ** 4, "en")).toBe("5,000 TiB");
  });
});

describe("percent", () => {
  it("is written as the language writes it", () => {
    expect(percent(3.14, "en")).toBe("3%");
    expect(percent(3.14, "en", 1)).toBe("3.1%");
    expect(percent(3.14, "de", 1)).toBe("3,1\u00a0%");
    expect(percent(99.994, "ja", 2)).toBe("99.99%");
  });
});

describe("ago", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  it("takes the largest unit that fits", () => {
    expect(ago("2026-01-01T23:59:50Z", "en", now)).toBe("10 seconds ago");
    expect(ago("2026-01-01T23:30:00Z", "en", now)).toBe("30 minutes ago");
    expect(ago("2026-01-01T00:00:00Z", "en", now)).toBe("yesterday");
    expect(ago("2026-01-02T05:00:00Z", "es", now)).toBe("dentro de 5 horas");
    expect(ago(null, "en", now)).toBe("");
  });
});

describe("since", () => {
  const now = new Date(2026, 10, 29, 18, 30).getTime();
  const at = (...parts: [number, number, number, number?]) => new Date(...parts).toISOString();

  it("is a time today, a weekday in the six days before, and a date before that", () => {
    expect(since(at(2026, 10, 29, 9), "de", now)).toEqual({ kind: "time", when: "09:00" });
    expect(since(at(2026, 10, 28, 23), "de", now)).toEqual({ kind: "day", when: "Samstag" });
    expect(since(at(2026, 10, 23), "de", now)).toEqual({ kind: "day", when: "Montag" });
    expect(since(at(2026, 10, 22, 23), "de", now)).toEqual({ kind: "day", when: "22. Nov." });
  });

  it("is a time where the clock of the node is ahead", () => {
    expect(since(at(2026, 10, 30), "de", now).kind).toBe("time");
  });
});

describe("plain", () => {
  it("leaves nothing that moves a cursor or turns a text around", () => {
    expect(plain("\x1b[31mred\x1b[0m \x1b]0;owned\x07tail\x08 \u202eevil")).toBe("red tail evil");
    expect(plain("tab\tand <b>markup</b> stay")).toBe("tab\tand <b>markup</b> stay");
  });
});

describe("span", () => {
  it("takes the largest unit that says enough", () => {
    expect(span(45, "en")).toBe("45 seconds");
    expect(span(89, "en")).toBe("89 seconds");
    expect(span(90, "en")).toBe("2 minutes");
    expect(span(5399, "en")).toBe("90 minutes");
    expect(span(5400, "en")).toBe("2 hours");
    expect(span(172_799, "en")).toBe("48 hours");
    expect(span(172_800, "en")).toBe("2 days");
    expect(span(30 * 86_400, "en")).toBe("30 days");
  });

  it("is never nothing", () => {
    expect(span(0, "en")).toBe("1 second");
    expect(span(0.4, "en")).toBe("1 second");
  });

  it("speaks the language of the page", () => {
    expect(span(7200, "de")).toBe("2 Stunden");
    expect(span(86_400 * 3, "es")).toBe("3 días");
  });
});

describe("moment", () => {
  it("is nothing where there is none", () => {
    expect(moment(null, "en")).toBe("");
    expect(moment("2026-01-01T12:00:00Z", "en")).toContain("2026");
  });
});

describe("clock", () => {
  it("is the time of day, as the language writes it", () => {
    const at = new Date(2026, 0, 1, 14, 5, 59).getTime();
    expect(clock(at, "en")).toMatch(/^02:05\sPM$/);
    expect(clock(at, "de")).toBe("14:05");
  });
});

describe("the browser's region", () => {
  it("decides how its language is written", () => {
    vi.stubGlobal("navigator", { languages: ["fr", "it-CH", "it"] });
    const there = new Intl.NumberFormat("it-CH").format(50_000);
    expect(there).not.toBe(new Intl.NumberFormat("it").format(50_000));
    expect(bytes(50_000 * 1024 ** 4, "it")).toBe(`${there} TiB`);
  });
});
