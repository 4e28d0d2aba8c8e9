import type { Edge, Plan } from "../api/types";

/** One thing that an app may do, or may not: the text `may.<what>`, and its explanation `mayHint.<what>`. */
export interface Grant {
  what:
    | "everything"
    | "wallet"
    | "broadcast"
    | "blocks"
    | "addresses"
    | "lightning"
    | "use"
    | "internet"
    | "internetAndLan"
    | "tor"
    | "offline"
    | "lan"
    | "noLan"
    | "devices"
    | "rights"
    | "noRights";
  allowed: boolean;
  /** Whether the owner should think twice. */
  grave: boolean;
  /** The app that is used, by its id. */
  app?: string;
  /** Names of devices, or what an endpoint is called. */
  detail?: string;
}

const USES: Record<string, Grant["what"]> = {
  "bitcoin-rpc": "blocks",
  electrum: "addresses",
  lightning: "lightning",
};

/** Returns what a newly installed app may do, and what it may not, in the order in which it matters to an owner. */
export function grants(plan: Plan, app: string): Grant[] {
  const { asks } = plan;
  const found: Grant[] = plan.edges.filter((edge) => edge.consumer === app && !isTor(edge)).map(used);
  found.push(outside(asks.egress[app]));
  const endpoints = asks.endpoints.filter((one) => one.app === app);
  const open = endpoints.filter((one) => one.access.includes("lan"));
  if (open.length)
    found.push({ what: "lan", allowed: true, grave: false, detail: named(open.map((one) => one.label ?? "")) });
  else if (endpoints.length) found.push({ what: "noLan", allowed: false, grave: false });
  const devices = asks.devices[app] ?? [];
  if (devices.length) found.push({ what: "devices", allowed: true, grave: true, detail: named(devices) });
  const rights = (asks.capabilities[app] ?? []).length > 0;
  found.push({ what: rights ? "rights" : "noRights", allowed: rights, grave: false });
  return found;
}

/** Returns the apps of a plan that ask for something: those that it installs or updates. */
export const asking = (plan: Plan): string[] =>
  plan.apps.filter((one) => one.action === "install" || one.action === "update").map((one) => one.app);

const isTor = (edge: Edge): boolean => edge.interface === "tor-socks";
const named = (names: string[]): string => names.filter(Boolean).join(", ");

function used(edge: Edge): Grant {
  const app = edge.provider;
  if (edge.role === "full") return { what: "everything", allowed: true, grave: true, app };
  if (edge.role === "wallet") return { what: "wallet", allowed: true, grave: true, app };
  if (edge.role === "broadcast") return { what: "broadcast", allowed: true, grave: false, app };
  return { what: USES[edge.interface] ?? "use", allowed: true, grave: false, app };
}

function outside(way: Plan["asks"]["egress"][string] | undefined): Grant {
  switch (way) {
    case "tor":
      return { what: "tor", allowed: true, grave: false };
    case "direct":
      return { what: "internet", allowed: true, grave: false };
    case "lan":
      return { what: "internetAndLan", allowed: true, grave: true };
    default:
      return { what: "offline", allowed: false, grave: false };
  }
}
