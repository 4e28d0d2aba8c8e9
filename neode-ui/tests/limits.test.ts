import { describe, expect, it } from "vitest";
import { boundsOf, changesOf, isWrong, typedOf } from "../src/lib/limits";
import { resources } from "./samples";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const HOST = { memory: 8 * GIB, memory_of_node: GIB, cores: 4 };

describe("the limits of an app", () => {
  it("stand in fields in units that one types, and nothing is changed by that", () => {
    const app = resources({ memory_limit: 1_500_000_000, cpu_limit: 0.5, disk_limit: null });
    const typed = typedOf(app);
    expect(typed).toMatchObject({ memory: "1430.51", cpu: "0.5", disk: "" });
    expect(changesOf(typed, app)).toEqual({});
  });

  it("are changed one by one, in the node's units", () => {
    const app = resources({ disk_limit: 9 * GIB });
    const typed = { ...typedOf(app), memory: "512", cpu: "0,5", disk: "", pids: 99 };
    expect(changesOf(typed, app)).toEqual({ memory: 512 * MIB, cpu: 0.5, disk: 0, pids: 99 });
  });

  it.each([
    ["memory", "7169", true],
    ["memory", "7168", false],
    ["memory", "", true],
    ["memory", "much", true],
    ["cpu", "4.5", true],
    ["cpu", "0.25", false],
    ["disk", "", false],
    ["disk", "-1", true],
    ["cpu_weight", "10001", true],
    ["io_weight", "1.5", true],
    ["pids", "3", true],
  ] as const)("%s of %j is wrong: %s", (limit, typed, wrong) => {
    expect(isWrong(limit, typed, HOST)).toBe(wrong);
  });

  it("do not exceed what the host has for apps", () => {
    expect(boundsOf("memory", HOST).most).toBe(7168);
    expect(boundsOf("cpu", HOST).most).toBe(4);
  });
});
