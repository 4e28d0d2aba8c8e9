import type { Plan, PlannedApp } from "../api/types";

/** What a change of one app does to others: the apps that come, stop, restart, or miss what they use meanwhile. */
export interface Consequences {
  what: "stop" | "restart" | "update" | "settings";
  app: string;
  stops: string[];
  restarts: string[];
  interrupts: string[];
  /** Of settings and an update: apps that are installed, since the app needs them then. */
  installs?: string[];
  /** Of an update: whether the version before can take over again. */
  wayBack?: PlannedApp["way_back"];
  /** Of an update: what is new in the version, as its author says. */
  notes?: PlannedApp["release_notes"];
  /** Of an update: what its owner should know before, such as that it reaches more. */
  plan?: Plan;
}

/** The owner looked at what else would happen, and wants it no longer: nothing was done, and nothing is wrong. */
export class Declined extends Error {}

let asks: (about: Consequences) => Promise<boolean> = () => Promise.resolve(true);

/** Says who is asked. */
export function whenConsentNeeded(ask: (about: Consequences) => Promise<boolean>): void {
  asks = ask;
}

/** Returns once the owner agrees; throws `Declined` where not. Only what updates nothing and touches no other app is not asked. */
export async function consent(given: Consequences): Promise<void> {
  const others = (apps: string[]): string[] => apps.filter((one) => one !== given.app);
  const about = {
    ...given,
    stops: others(given.stops),
    restarts: others(given.restarts),
    interrupts: others(given.interrupts),
  };
  const touched = about.stops.length + about.restarts.length + about.interrupts.length + (about.installs ?? []).length;
  if ((touched || about.wayBack) && !(await asks(about))) throw new Declined();
}
