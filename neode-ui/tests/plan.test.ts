import { describe, expect, it } from "vitest";
import type { Edge } from "../src/api/types";
import { grants } from "../src/lib/permissions";
import { concerned, openChoices, restartReasons, usersOf } from "../src/lib/plan";
import { bringing } from "../src/lib/operations";
import { operation, plan, planned } from "./samples";

const edge = (own: Partial<Edge>): Edge => ({
  consumer: "specter",
  interface: "bitcoin-rpc",
  provider: "knots",
  wait: "healthy",
  optional: false,
  role: "read",
  gates: true,
  ...own,
});

describe("what gets installed", () => {
  const found = plan({
    apps: [
      planned("tor", "reuse"),
      planned("other", "reuse"),
      planned("knots", "restart"),
      planned("specter", "install"),
    ],
    edges: [edge({}), edge({ consumer: "knots", interface: "tor-socks", provider: "tor" })],
    alternatives: { "bitcoin-rpc": ["core"], "tor-socks": ["arti"] },
  });

  it("is what was asked for, then what changes or is used by it", () => {
    expect(concerned(found, ["specter"]).map((one) => one.app)).toEqual(["specter", "knots"]);
    expect(concerned(found, ["knots", "specter"]).map((one) => one.app)).toEqual(["knots", "specter", "tor"]);
  });

  it("has a choice only where what was asked for uses it", () => {
    expect(openChoices(found, ["specter"])).toEqual([
      { interface: "bitcoin-rpc", provider: "knots", others: ["core"] },
    ]);
    expect(usersOf(found, "knots")).toEqual(["specter"]);
  });

  it("says of a restart only why it is one", () => {
    const one = planned("knots", "restart", ["it is installed", "it is restarted as specter gets a login"]);
    expect(restartReasons(one)).toEqual(["it is restarted as specter gets a login"]);
  });
});

describe("what an app may do", () => {
  const said = (own: Parameters<typeof plan>[0]) =>
    grants(plan(own), "specter").map((one) => [one.what, one.allowed, one.grave]);
  const asks = plan().asks;

  it("is nothing where it asks for nothing", () => {
    expect(said({})).toEqual([
      ["offline", false, false],
      ["noRights", false, false],
    ]);
  });

  it("tells roles apart: who broadcasts, who reads, who spends, who does everything", () => {
    for (const [role, what, grave] of [
      ["broadcast", "broadcast", false],
      ["read", "blocks", false],
      ["wallet", "wallet", true],
      ["full", "everything", true],
    ] as const)
      expect(said({ edges: [edge({ role })] })[0]).toEqual([what, true, grave]);
    expect(said({ edges: [edge({ interface: "moor" })] })[0]).toEqual(["use", true, false]);
  });

  it("names each way out, and the use of Tor only once", () => {
    for (const [way, what, grave] of [
      ["tor", "tor", false],
      ["direct", "internet", false],
      ["lan", "internetAndLan", true],
    ] as const)
      expect(said({ asks: { ...asks, egress: { specter: way } } })[0]).toEqual([what, true, grave]);
    const tor = edge({ interface: "tor-socks", provider: "tor" });
    expect(said({ edges: [tor], asks: { ...asks, egress: { specter: "tor" } } }).map(([what]) => what)).toEqual([
      "tor",
      "noRights",
    ]);
  });

  it("names who reaches it, its devices and its rights, and not those of others", () => {
    const web = {
      app: "specter",
      endpoint: "web",
      kind: "ui",
      protocol: "http",
      port: 80,
      label: "Page",
      behind_login: false,
    } as const;
    const open = { ...asks, endpoints: [{ ...web, access: ["host", "lan"] as ("host" | "lan")[] }] };
    const shut = { ...asks, endpoints: [{ ...web, access: ["host"] as "host"[] }] };
    expect(said({ asks: open }).map(([what]) => what)).toContain("lan");
    expect(said({ asks: shut })).toContainEqual(["noLan", false, false]);
    const rights = { ...asks, devices: { specter: ["/dev/ttyUSB0"] }, capabilities: { specter: ["chown"] } };
    expect(said({ asks: rights })).toEqual([
      ["offline", false, false],
      ["devices", true, true],
      ["rights", true, false],
    ]);
    expect(grants(plan({ asks: { ...rights, ...open } }), "other").map((one) => one.what)).toEqual([
      "offline",
      "noRights",
    ]);
  });
});

describe("an installation under way", () => {
  const one = operation({ kind: "install", app: "specter", apps: ["knots", "specter"] });

  it("brings the app that was asked for, and those that are new with it", () => {
    expect(bringing([one], "specter", true)).toBe(one);
    expect(bringing([one], "knots", false)).toBe(one);
    expect(bringing([one], "knots", true)).toBeUndefined();
    expect(bringing([{ ...one, kind: "update" }], "specter", false)).toBeUndefined();
  });
});
