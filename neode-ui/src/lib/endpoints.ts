import type { EndpointStatus } from "../api/types";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Tells whether the page at `here` is looked at on the node itself, as far as its address says. */
export const isOnNode = (here: Pick<Location, "hostname">): boolean => LOOPBACK.includes(here.hostname);

/**
 * Returns where a browser at `here` opens an app's page: on the node itself, or from its network; undefined where it has none.
 * It is a name of the app's own, and not the node's host at another port, since browsers keep cookies by host; only a browser
 * that has found the node by an address may be unable to find names.
 */
export function webAddress(endpoints: EndpointStatus[], here: Pick<Location, "hostname">): string | undefined {
  const pages = endpoints.filter((one) => one.kind === "ui" && one.protocol === "http");
  if (isOnNode(here)) return pages[0]?.site ?? undefined;
  // Through Tor nothing else of the node is reached.
  if (here.hostname.endsWith(".onion")) return pages.find((one) => one.onion)?.onion ?? undefined;
  // Whoever has found the node by its name there finds apps by theirs.
  const named = here.hostname.endsWith(".local") ? pages.find((one) => one.local_site)?.local_site : undefined;
  if (named) return named;
  const reachable = pages.flatMap((one) => one.local_addresses);
  return reachable.find((each) => new URL(each).hostname === here.hostname) ?? reachable[0];
}

/** Who of the local network reaches an endpoint now; keys of the texts, below `access`. */
export type NetworkReach =
  NonNullable<EndpointStatus["kept_in"]> | "closed" | "nodeClosed" | "users" | "programs" | "peers";

const VISITORS: Record<string, NetworkReach> = { ui: "users", p2p: "peers" };

/** Returns who of the local network reaches an endpoint now. */
export function reachOfNetwork(one: EndpointStatus): NetworkReach {
  if (one.kept_in) return one.kept_in;
  if (!one.open) return "closed";
  return one.local_addresses.length ? (VISITORS[one.kind] ?? "programs") : "nodeClosed";
}
