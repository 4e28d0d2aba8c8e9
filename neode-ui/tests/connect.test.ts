import { describe, expect, it } from "vitest";
import type { HealthState } from "../src/api/types";
import { addressForDevices, bestReach, familyOf, reachOf, type Client, type Reach } from "../src/lib/connect";
import { mainAction } from "../src/lib/mainAction";
import { endpoint } from "./samples";

const AT_HOME = { hostname: "192.168.1.20" };
const secure: Reach = {
  address: "ssl://192.168.1.20:50001",
  host: "192.168.1.20",
  port: "50001",
  tls: true,
  onNode: false,
};
const client = (of: string | null, id: string, reach = secure) =>
  familyOf({ interface: of })
    .clients(reach)
    .find((one) => one.id === id) as Client;

describe("where an endpoint is reached", () => {
  it.each([
    ["ssl://192.168.1.5:50001", { host: "192.168.1.5", port: "50001", tls: true }],
    ["tcp://127.0.0.1:50001", { host: "127.0.0.1", port: "50001", tls: false }],
    ["127.0.0.1:8333", { host: "127.0.0.1", port: "8333", tls: false }],
    ["https://192.168.1.5:8480/path", { host: "192.168.1.5", port: "8480", tls: true }],
    ["wss://[fd00::1]:6969", { host: "[fd00::1]", port: "6969", tls: true }],
  ])("is read from %s", (address, parts) => {
    expect(reachOf(address, false)).toEqual({ address, onNode: false, ...parts });
  });

  it("is unknown without a port", () => {
    expect(reachOf("nowhere", false)).toBeUndefined();
  });

  it("is the address that the page has, another of the network, or the node itself", () => {
    const both = endpoint({ local_addresses: ["ssl://10.0.0.1:50001", "ssl://192.168.1.20:50001"] });
    expect(bestReach(both, AT_HOME)?.host).toBe("192.168.1.20");
    expect(bestReach(both, { hostname: "localhost" })?.host).toBe("10.0.0.1");
    expect(bestReach(endpoint({ address: "tcp://127.0.0.1:50001" }), AT_HOME)).toMatchObject({ onNode: true });
  });
});

describe("what a program is told", () => {
  it("is in the form that it reads", () => {
    expect(client("electrum", "electrum").values.map((one) => one.value)).toEqual(["192.168.1.20:50001:s"]);
    expect(client("electrum", "electrum", { ...secure, tls: false }).values[0]?.value).toBe("192.168.1.20:50001:t");
    expect(client("electrum", "sparrow").values.map((one) => one.value)).toEqual(["192.168.1.20", "50001"]);
    expect(client("electrum", "bluewallet").code).toBe("bluewallet:setelectrumserver?server=192.168.1.20%3A50001%3As");
    expect(client("nostr-relay", "damus").code).toBe(secure.address);
  });

  it("is general where nobody knows what it speaks", () => {
    for (const unknown of [null, "no-such", "constructor"])
      expect(familyOf({ interface: unknown })).toBe(familyOf({ interface: null }));
    expect(client(null, "other").values.map((one) => one.value)).toEqual([secure.address]);
  });
});

describe("the main action of an app", () => {
  const page = endpoint({ local_addresses: ["https://192.168.1.20:8080/"] });
  const wire = endpoint({ kind: "api", protocol: "tcp", address: "tcp://127.0.0.1:50001", interface: "electrum" });
  const peers = endpoint({ kind: "p2p", protocol: "tcp", address: "127.0.0.1:8333" });
  const of = (
    endpoints: (typeof page)[],
    desired: "running" | "stopped" = "running",
    may = true,
    state: HealthState = "healthy",
  ) => mainAction({ desired, state, endpoints }, may, AT_HOME);

  it("is to open it, to connect to it, or to start it", () => {
    expect(of([wire, page])).toEqual({ kind: "open", address: "https://192.168.1.20:8080/" });
    expect(of([wire])).toEqual({ kind: "connect", title: "connect.wallet" });
    expect(of([page], "stopped")).toEqual({ kind: "start" });
    expect(of([page], "running", true, "failed")).toEqual({ kind: "restart" });
  });

  it("is nothing where there is nothing to be done, or nothing that one may do", () => {
    expect(of([peers])).toBeUndefined();
    expect(of([page], "stopped", false)).toBeUndefined();
  });
});

describe("addressForDevices", () => {
  it("is a name alone for what is behind the node's login, by whatever address the node's page was opened", () => {
    const guarded = endpoint({ behind_login: true, address: "http://specter.localhost:8481/" });
    const named = { ...guarded, local_site: "https://specter-island.local:8443/" };
    for (const hostname of ["localhost", "192.168.1.5", "island.local"]) {
      expect(addressForDevices(named, { hostname })).toBe(named.local_site);
      expect(addressForDevices(guarded, { hostname })).toBeUndefined();
    }
  });
});
