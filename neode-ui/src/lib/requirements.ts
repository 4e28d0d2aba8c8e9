import type { CatalogEntry, SystemInfo } from "../api/types";

/** What an app needs of the host and is not there. */
export interface Unmet {
  what: "memory" | "disk" | "architecture";
  /** Bytes, or the architectures on which it runs. */
  needed: number | string;
  there: number | string;
}

/** Returns what an app asks for that this host does not have. */
export function unmet(entry: CatalogEntry, host: SystemInfo): Unmet[] {
  const found: Unmet[] = [];
  if (!entry.architectures.includes(host.architecture))
    found.push({ what: "architecture", needed: entry.architectures.join(", "), there: host.architecture });
  if (entry.memory > host.memory) found.push({ what: "memory", needed: entry.memory, there: host.memory });
  if (entry.disk > host.disk_free) found.push({ what: "disk", needed: entry.disk, there: host.disk_free });
  return found;
}
