import { describe, expect, it } from "vitest";
import { ago, bytes, plain } from "../src/lib/format";

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

describe("plain", () => {
  it("leaves nothing that moves a cursor or turns a text around", () => {
    expect(plain("\x1b[31mred\x1b[0m \x1b]0;owned\x07tail\x08 \u202eevil")).toBe("red tail evil");
    expect(plain("tab\tand <b>markup</b> stay")).toBe("tab\tand <b>markup</b> stay");
  });
});
