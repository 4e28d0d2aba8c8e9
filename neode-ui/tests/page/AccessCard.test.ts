import { afterEach, describe, expect, it, vi } from "vitest";
import AccessCard from "../../src/components/app/AccessCard.vue";
import { reachOfNetwork } from "../../src/lib/endpoints";
import { endpoint, status } from "../samples";
import { answering, paramsOf } from "../standIn";
import { begin, mounted, words } from "./mounted";
import { until } from "../until";

afterEach(() => vi.unstubAllGlobals());

const PAGE = endpoint({
  name: "web",
  label: "Explorer",
  site: "http://mempool.localhost:8481/",
  open: true,
  local_addresses: ["https://192.168.1.5:8999/"],
  local_site: "https://mempool-island.local:8443/",
});
const WIRE = endpoint({ name: "api", kind: "api", protocol: "tcp", label: "Wallets", address: "tcp://127.0.0.1:1" });
const PEERS = endpoint({ name: "p2p", kind: "p2p", protocol: "tcp" });

async function card(hostname: string, ...endpoints: (typeof PAGE)[]) {
  vi.stubGlobal("location", { hostname, pathname: "/" });
  const { page } = await mounted(AccessCard, {
    status: status({ name: "Mempool", endpoints }),
    newest: (one: typeof PAGE) => one,
  });
  return page;
}

describe("the Access card", () => {
  it("opens the app, and shows other devices the address that fits them", async () => {
    begin("administer");
    const named = await card("island.local", PAGE);
    expect(named.get("a.button-main").attributes("href")).toBe(PAGE.local_site);
    expect(named.get("a.button-main").text()).toBe(words("access.openApp", { name: "Mempool" }));
    expect(named.get("svg[role=img]").attributes("aria-label")).toContain(PAGE.local_site);
    const here = await card("localhost", PAGE);
    expect(here.get("a.button-main").attributes("href")).toBe(PAGE.site);
    expect(here.get("svg[role=img]").attributes("aria-label")).toContain("https://192.168.1.5:8999/");
    const shut = await card("localhost", { ...PAGE, open: false, local_addresses: [], local_site: null });
    expect(shut.find("svg[role=img]").exists()).toBe(false);
    expect(shut.text()).toContain(words("access.onlyHere"));
  });

  it("has the doors of the page and of what wallets use, with who comes in, and none of peers", async () => {
    begin("administer");
    const asked = answering({ "network-open": () => ({ ...WIRE, open: true }) });
    const page = await card("localhost", PAGE, WIRE, PEERS);
    expect(page.findAll("h3").map((one) => one.text())).toEqual(["Explorer", "Wallets"]);
    expect(page.text()).toContain(words("access.users"));
    expect(page.text()).toContain(words("access.closed"));
    const [, wallets] = page.findAll("[role=switch]");
    expect(wallets?.attributes("aria-label")).toBe(words("access.switch", { name: "Wallets" }));
    await wallets?.trigger("click");
    await until(() => expect(page.emitted("changed")).toEqual([[{ ...WIRE, open: true }]]));
    expect(paramsOf(asked, "network-open")).toEqual([{ app: "bitcoin-knots", endpoint: "api" }]);
  });

  it("is not there for an app that nobody reaches, and switches nothing for who may not", async () => {
    begin("operate");
    expect((await card("localhost", PEERS)).find("section").exists()).toBe(false);
    expect((await card("localhost", PAGE)).find("[role=switch]").exists()).toBe(false);
  });
});

it.each([
  [{ kept_in: "no-login" as const, open: true }, "no-login"],
  [{ open: false }, "closed"],
  [{ open: true }, "nodeClosed"],
  [{ open: true, kind: "ui", local_addresses: ["https://10.0.0.1/"] }, "users"],
  [{ open: true, kind: "ui", behind_login: true, local_site: "https://a-node.local:8443/" }, "owner"],
  [{ open: true, kind: "ui", behind_login: true }, "nodeClosed"],
  [{ open: true, kind: "api", local_addresses: ["ssl://10.0.0.1:1"] }, "programs"],
  [{ open: true, kind: "p2p", local_addresses: ["10.0.0.1:1"] }, "peers"],
])("who reaches %o from the network is known: %s", (what, reach) => {
  expect(reachOfNetwork(endpoint(what))).toBe(reach);
});
