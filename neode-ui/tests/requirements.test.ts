import { describe, expect, it } from "vitest";
import { unmet } from "../src/lib/requirements";
import { entry, system } from "./samples";

const GIB = 1024 ** 3;

describe("requirements that are not met", () => {
  it("are none for an app that asks for nothing", () => {
    expect(unmet(entry(), system())).toEqual([]);
  });

  it("are none on a host that has as much as is asked for", () => {
    const host = system({ memory: 4 * GIB, memory_available: GIB, disk_free: 20 * GIB });
    expect(unmet(entry({ memory: 4 * GIB, disk: 20 * GIB }), host)).toEqual([]);
  });

  it("are those of which a host has less", () => {
    const host = system({ memory: 4 * GIB - 1, disk_total: 100 * GIB, disk_free: 20 * GIB - 1 });
    expect(unmet(entry({ memory: 4 * GIB, disk: 20 * GIB }), host)).toEqual([
      { what: "memory", needed: 4 * GIB, there: 4 * GIB - 1 },
      { what: "disk", needed: 20 * GIB, there: 20 * GIB - 1 },
    ]);
  });

  it("name the architecture where the app does not run on this one", () => {
    expect(unmet(entry({ architectures: ["amd64"] }), system({ architecture: "arm64" }))).toEqual([
      { what: "architecture", needed: "amd64", there: "arm64" },
    ]);
    expect(unmet(entry({ architectures: ["amd64", "arm64"] }), system({ architecture: "arm64" }))).toEqual([]);
  });
});
