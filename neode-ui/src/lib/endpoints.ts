import type { EndpointStatus } from "../api/types";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Tells whether the page at `here` is looked at on the node itself, as far as its address says. */
export const isOnNode = (here: Pick<Location, "hostname">): boolean => LOOPBACK.includes(here.hostname);

/** Where somebody looks from: the address of the node's page. */
export type Here = Pick<Location, "hostname"> & Partial<Pick<Location, "origin">>;

/**
 * Returns where a browser at `here` opens an app's page: on the node itself, or from its network; undefined where it has none.
 * It is a name of the app's own, and not the node's host at another port, since browsers keep cookies by host; only a browser
 * that has found the node by an address may be unable to find names. What is behind the node's login has names alone.
 */
export function webAddress(endpoints: EndpointStatus[], here: Here): string | undefined {
  const pages = endpoints.filter((one) => one.kind === "ui" && one.protocol === "http");
  if (isOnNode(here)) return pages[0] && opening(pages[0], pages[0].site, here);
  // Through Tor nothing else of the node is reached.
  if (here.hostname.endsWith(".onion")) {
    const hidden = pages.find((one) => one.onion);
    return hidden && opening(hidden, hidden.onion, here);
  }
  // Whoever has found the node by its name there finds apps by theirs.
  const named = pages.find((one) => one.local_site && (one.behind_login || here.hostname.endsWith(".local")));
  if (named) return opening(named, named.local_site, here);
  const reachable = pages.flatMap((one) => one.local_addresses);
  return reachable.find((each) => new URL(each).hostname === here.hostname) ?? reachable[0];
}

/** Who of the local network reaches an endpoint now; keys of the texts, below `access`. */
export type NetworkReach =
  NonNullable<EndpointStatus["kept_in"]> | "closed" | "nodeClosed" | "owner" | "users" | "programs" | "peers";

const VISITORS: Record<string, NetworkReach> = { ui: "users", p2p: "peers" };

/** Returns who of the local network reaches an endpoint now. */
export function reachOfNetwork(one: EndpointStatus): NetworkReach {
  if (one.kept_in) return one.kept_in;
  if (!one.open) return "closed";
  if (!one.local_addresses.length && !one.local_site) return "nodeClosed";
  return one.behind_login ? "owner" : (VISITORS[one.kind] ?? "programs");
}

/** Returns what to open for the address of an endpoint: it may ask first who one is, at the page that one comes from. */
export function opening(endpoint: EndpointStatus, address: string | null, here: Here): string | undefined {
  if (!address || !endpoint.behind_login || !address.startsWith("http")) return address ?? undefined;
  const { origin, pathname, search } = new URL(address);
  const query = new URLSearchParams({ to: pathname + search, ...(here.origin ? { page: here.origin } : {}) });
  return `${origin}/.archipelago/open?${query.toString()}`;
}
