import { describe, expect, it } from "vitest";
import { isAtLeast, LEVELS, levelOf, type Level } from "../src/lib/logLevel";

describe("the level of a line", () => {
  it.each<[string, Level]>([
    ["2026-11-29T18:30:00Z [error] Unable to bind", "error"],
    ["2026-11-29T18:30:00Z [net:warning] Peer is slow", "warning"],
    ["2026-11-29T18:30:00Z UpdateTip: new best=0000 height=926411", "info"],
    ["Nov 29 18:30:00.000 [notice] Bootstrapped 100% (done): Done", "info"],
    ["Nov 29 18:30:00.000 [warn] Your clock is ahead", "warning"],
    ["2026-11-29 18:30:00.000 [ERR] SRVR: unable to connect", "error"],
    ["ERROR:electrumx:the daemon is away", "error"],
    ["2026-11-29 18:30:00 WARNING (MainThread) [homeassistant] old setting", "warning"],
    ['{"level":"error","msg":"no such host"}', "error"],
    ['time="18:30" level=debug msg="tick"', "debug"],
    ["Error: no such file", "error"],
    ["warning: deprecated", "warning"],
    ["0 errors, no warnings", "info"],
    ["the error_count is 0", "info"],
    ["INFO the last ERROR was repaired", "info"],
    ["", "info"],
  ])("%s: %s", (text, level) => {
    expect(levelOf({ text })).toBe(level);
  });

  it("is read near the start of a line only, however long the line is", () => {
    expect(levelOf({ text: `${"a ".repeat(100)}ERROR` })).toBe("info");
    expect(levelOf({ text: `ERROR ${"a".repeat(1_000_000)}` })).toBe("error");
  });

  it("lets through what is at least so serious", () => {
    const line = { text: "WARN disk" };
    expect(LEVELS.map((least) => isAtLeast(line, least))).toEqual([true, true, true, false]);
  });
});
