import type { CatalogEntry, SystemInfo } from "../api/types";

/** What an app needs of the host, and whether it is there. */
export interface Requirement {
  what: "memory" | "disk" | "architecture";
  /** Bytes, or the architectures on which it runs. */
  needed: number | string;
  there: number | string;
  met: boolean;
}

/** Holds what an app needs against this host; what it does not ask for is left out. */
export function requirements(entry: CatalogEntry, host: SystemInfo): Requirement[] {
  const found: Requirement[] = [];
  if (!entry.architectures.includes(host.architecture)) {
    found.push({ what: "architecture", needed: entry.architectures.join(", "), there: host.architecture, met: false });
  }
  if (entry.memory)
    found.push({ what: "memory", needed: entry.memory, there: host.memory, met: host.memory >= entry.memory });
  if (entry.disk)
    found.push({ what: "disk", needed: entry.disk, there: host.disk_free, met: host.disk_free >= entry.disk });
  return found;
}
