import { describe, expect, it } from "vitest";
import { webAddress } from "../src/lib/endpoints";
import { endpoint } from "./samples";

const web = endpoint({
  address: "http://127.0.0.1:8080/",
  site: "http://mempool.localhost:8481/",
  local_addresses: ["https://192.168.1.5:8080/", "https://10.0.0.5:8080/", "https://[fd00::5]:8080/"],
});

describe("webAddress", () => {
  it("is the app's own name for a browser on the node, and never the node's host", () => {
    for (const hostname of ["localhost", "127.0.0.1", "[::1]"]) {
      expect(webAddress([web], { hostname })).toBe("http://mempool.localhost:8481/");
      expect(webAddress([endpoint()], { hostname })).toBeUndefined();
    }
  });

  it("is the one by which the browser reaches the node already", () => {
    expect(webAddress([web], { hostname: "10.0.0.5" })).toBe("https://10.0.0.5:8080/");
    expect(webAddress([web], { hostname: "[fd00::5]" })).toBe("https://[fd00::5]:8080/");
  });

  it("is the app's own name for a browser that has found the node by a name", () => {
    const named = endpoint({ ...web, local_site: "https://mempool-island.local:8443/" });
    expect(webAddress([named], { hostname: "island.local" })).toBe("https://mempool-island.local:8443/");
    expect(webAddress([named], { hostname: "10.0.0.5" })).toBe("https://10.0.0.5:8080/");
  });

  it("asks first who one is, at the page that one comes from, where the app has no login of its own", () => {
    const guarded = endpoint({
      behind_login: true,
      address: "http://specter.localhost:8481/start?a=b",
      site: "http://specter.localhost:8481/start?a=b",
      local_site: "https://specter-island.local:8443/",
    });
    const here = { hostname: "localhost", origin: "http://localhost:8480" };
    expect(webAddress([guarded], here)).toBe(
      "http://specter.localhost:8481/.archipelago/open?to=%2Fstart%3Fa%3Db&page=http%3A%2F%2Flocalhost%3A8480",
    );
    const away = { hostname: "192.168.1.5", origin: "https://192.168.1.5:8480" };
    expect(webAddress([guarded], away)).toBe(
      "https://specter-island.local:8443/.archipelago/open?to=%2F&page=https%3A%2F%2F192.168.1.5%3A8480",
    );
    expect(webAddress([{ ...guarded, local_site: null }], away)).toBeUndefined();
  });

  it("is its onion address for a browser that has come through Tor, and there too asks first who one is", () => {
    const hidden = { site: "http://specter.localhost:8481/", onion: "http://abc.onion/wallets" };
    const here = { hostname: "node.onion", origin: "http://node.onion" };
    expect(webAddress([endpoint(hidden)], here)).toBe("http://abc.onion/wallets");
    expect(webAddress([endpoint({ ...hidden, behind_login: true })], here)).toBe(
      "http://abc.onion/.archipelago/open?to=%2Fwallets&page=http%3A%2F%2Fnode.onion",
    );
    expect(webAddress([endpoint({ ...hidden, onion: null })], here)).toBeUndefined();
  });

  it("is some other of the network where none is at the same name", () => {
    expect(webAddress([web], { hostname: "archipelago.local" })).toBe("https://192.168.1.5:8080/");
  });

  it("is none from the network where the app is not opened to it", () => {
    expect(webAddress([endpoint()], { hostname: "192.168.1.5" })).toBeUndefined();
  });

  it("is none of what is no page", () => {
    const others = [
      endpoint({ kind: "api" }),
      endpoint({ protocol: "tcp" }),
      endpoint({ kind: "p2p", protocol: "tcp" }),
    ];
    expect(webAddress(others, { hostname: "localhost" })).toBeUndefined();
    expect(webAddress([...others, web], { hostname: "localhost" })).toBe(web.site);
    expect(webAddress([], { hostname: "localhost" })).toBeUndefined();
  });
});
