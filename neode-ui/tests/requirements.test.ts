import { describe, expect, it } from "vitest";
import { requirements } from "../src/lib/requirements";
import { entry, system } from "./samples";

const GIB = 1024 ** 3;

describe("requirements", () => {
  it("are none for an app that asks for nothing", () => {
    expect(requirements(entry(), system())).toEqual([]);
  });

  it("are met by a host that has as much as is asked for", () => {
    const host = system({ memory: 4 * GIB, memory_available: GIB, disk_free: 20 * GIB });
    expect(requirements(entry({ memory: 4 * GIB, disk: 20 * GIB }), host)).toEqual([
      { what: "memory", needed: 4 * GIB, there: 4 * GIB, met: true },
      { what: "disk", needed: 20 * GIB, there: 20 * GIB, met: true },
    ]);
  });

  it("are not met by a host that has less", () => {
    const host = system({ memory: 4 * GIB - 1, disk_total: 100 * GIB, disk_free: 20 * GIB - 1 });
    expect(requirements(entry({ memory: 4 * GIB, disk: 20 * GIB }), host).map((one) => one.met)).toEqual([
      false,
      false,
    ]);
  });

  it("name the architecture where the app does not run on this one", () => {
    expect(requirements(entry({ architectures: ["amd64"] }), system({ architecture: "arm64" }))).toEqual([
      { what: "architecture", needed: "amd64", there: "arm64", met: false },
    ]);
    expect(requirements(entry({ architectures: ["amd64", "arm64"] }), system({ architecture: "arm64" }))).toEqual([]);
  });
});
