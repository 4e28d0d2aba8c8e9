import type { AppStatus, EndpointStatus } from "../api/types";

/** Where an endpoint is reached from where its owner sits. */
export interface Reach {
  /** Whole, as the node says it: `ssl://192.168.1.5:50001`. */
  address: string;
  host: string;
  port: string;
  tls: boolean;
  /** Whether only programs on the node itself reach it. */
  onNode: boolean;
}

/** A value that is typed or pasted into a program; `label` is a key of the texts. */
export interface Value {
  label: string;
  value: string;
}

/** A program that connects, with what its owner does there; steps are keys of the texts. */
export interface Client {
  id: string;
  /** Name of the program; undefined for all others. */
  name?: string;
  steps: string[];
  values: Value[];
  /** What it reads from a QR code; undefined for a program that reads none. */
  code?: string;
}

/** How programs connect to what speaks an interface. */
interface Family {
  title: string;
  /** Whether programs trust the node's certificate only once its authority is installed on their device. */
  checksCertificate?: boolean;
  clients: (reach: Reach) => Client[];
}

const TLS = ["https", "wss", "ssl"];

/** Returns the parts of an address; undefined for one without a port. */
export function reachOf(address: string, onNode: boolean): Reach | undefined {
  const found = /^(?:(\w+):\/\/)?(\[[^\]]+\]|[^:/[\]]+):(\d+)/.exec(address);
  if (!found) return undefined;
  const [, scheme = "", host = "", port = ""] = found;
  return { address, host, port, tls: TLS.includes(scheme), onNode };
}

/** Returns where a device beside the page at `here` finds an endpoint: on the address that the page itself has, where it can. */
export function bestReach(endpoint: EndpointStatus, here: Pick<Location, "hostname">): Reach | undefined {
  const local = endpoint.local_addresses.map((each) => reachOf(each, false)).filter((each) => each !== undefined);
  return local.find((each) => each.host === here.hostname) ?? local[0] ?? reachOf(endpoint.address, true);
}

/**
 * Returns where other devices open a page: by its name from a page that has a name too, else by an address; undefined where nowhere.
 * What is behind the node's login has a name alone.
 */
export function addressForDevices(page: EndpointStatus, here: Pick<Location, "hostname">): string | undefined {
  if (page.behind_login) return page.local_site ?? undefined;
  if (here.hostname.endsWith(".local") && page.local_site) return page.local_site;
  const reach = bestReach(page, here);
  return reach?.onNode ? undefined : reach?.address;
}

const server = (value: string): Value => ({ label: "connect.server", value });
const port = (value: string): Value => ({ label: "connect.port", value });
const address = (value: string): Value => ({ label: "connect.address", value });
const other = (reach: Reach, step: string): Client => ({
  id: "other",
  steps: [step],
  values: [address(reach.address)],
  code: reach.address,
});

/** The interfaces that programs outside of the node speak; apps and the page know them by the same names. */
const FAMILIES: Record<string, Family> = {
  electrum: {
    title: "connect.wallet",
    clients: (reach) => {
      const line = `${reach.host}:${reach.port}:${reach.tls ? "s" : "t"}`;
      const both = [server(reach.host), port(reach.port)];
      return [
        {
          id: "sparrow",
          name: "Sparrow",
          steps: [
            "connect.sparrow.open",
            "connect.enterBoth",
            reach.tls ? "connect.sparrow.tls" : "connect.sparrow.plain",
          ],
          values: both,
        },
        {
          id: "electrum",
          name: "Electrum",
          steps: ["connect.electrum.open", "connect.electrum.manual", "connect.electrum.enter"],
          values: [server(line)],
        },
        {
          id: "bluewallet",
          name: "BlueWallet",
          steps: [
            "connect.bluewallet.open",
            reach.onNode ? "connect.enterBoth" : "connect.bluewallet.scan",
            "connect.bluewallet.save",
          ],
          values: both,
          code: `bluewallet:setelectrumserver?server=${encodeURIComponent(line)}`,
        },
        other(reach, "connect.otherWallet"),
      ];
    },
  },
  "bitcoin-rpc": {
    title: "connect.wallet",
    clients: (reach) => [
      {
        id: "sparrow",
        name: "Sparrow",
        steps: ["connect.core.open", "connect.enterBoth", "connect.core.login"],
        values: [server(reach.host), port(reach.port)],
      },
      other(reach, "connect.otherWallet"),
    ],
  },
  "lnd-rest": {
    title: "connect.wallet",
    clients: (reach) => [
      {
        id: "zeus",
        name: "Zeus",
        steps: ["connect.zeus.open", "connect.enterBoth", "connect.zeus.macaroon"],
        values: [server(reach.host), port(reach.port)],
      },
      other(reach, "connect.otherWallet"),
    ],
  },
  "nostr-relay": {
    title: "connect.nostr",
    checksCertificate: true,
    clients: (reach) => [
      {
        id: "amethyst",
        name: "Amethyst",
        steps: ["connect.amethyst.open", "connect.relay.add", "connect.relay.check"],
        values: [address(reach.address)],
        code: reach.address,
      },
      {
        id: "damus",
        name: "Damus",
        steps: ["connect.damus.open", "connect.relay.add", "connect.relay.check"],
        values: [address(reach.address)],
        code: reach.address,
      },
      other(reach, "connect.otherRelay"),
    ],
  },
};
const PROGRAM: Family = {
  title: "connect.program",
  clients: (reach) => [other(reach, "connect.otherProgram")],
};

/** Returns how programs connect to an endpoint: by the interface that it speaks, in general words where the page knows it not. */
export const familyOf = ({ interface: spoken }: Pick<EndpointStatus, "interface">): Family =>
  (spoken !== null && Object.hasOwn(FAMILIES, spoken) && FAMILIES[spoken]) || PROGRAM;

/** Returns the endpoints that programs connect to; peers find theirs by themselves. */
export const wiresOf = ({ endpoints }: Pick<AppStatus, "endpoints">): EndpointStatus[] =>
  endpoints.filter((one) => one.kind === "api");

/** Returns the page of an app, where it has one. */
export const pageOf = ({ endpoints }: Pick<AppStatus, "endpoints">): EndpointStatus | undefined =>
  endpoints.find((one) => one.kind === "ui" && one.protocol === "http");
