import type { AppSummary, HealthState, Operation } from "../../api/types";
import { isTroubled } from "../health";
import type { Place } from "./layout";
import { SUNKEN } from "./terrain";

/** How an app is on the map. */
export type Look = "runs" | "busy" | "stopped" | "attention" | "coming";

/** An app on the map. */
export interface Spot extends Place {
  name: string;
  icon: string | null;
  look: Look;
  state: HealthState | null;
  /** How much of what goes on is done, in per cent. */
  percent: number | null;
  /** How far its island stands out of the sea. */
  height: number;
  /** Bytes per second that it sends and receives. */
  traffic: number;
}

/** Percents in which an island rises: each step is drawn again. */
const STEP = 20;
/** Bytes per second from which a line is seen to be used: below it are questions whether somebody is there. */
export const QUIET = 2_000;

/** Returns the apps of the map: those that are installed, and those that are being installed. */
export function spotsOf(
  apps: readonly AppSummary[],
  coming: readonly Operation[],
  nameOf: (app: string) => string,
): Spot[] {
  const there = apps.map((one): Spot => {
    const look = lookOf(one);
    return {
      app: one.app,
      name: one.name,
      icon: one.icon,
      uses: [...new Set(one.uses.map((each) => each.app))],
      look,
      state: one.state,
      percent: one.percent,
      height: look === "stopped" ? SUNKEN : 1,
      traffic: one.traffic ?? 0,
    };
  });
  const rising = coming.map((one): Spot => {
    const done = Math.floor(one.percent / STEP) * STEP;
    const height = SUNKEN + ((1 - SUNKEN) * done) / 100;
    const unknown = { icon: null, uses: [], state: null, traffic: 0 };
    return { app: one.app, name: nameOf(one.app), ...unknown, look: "coming", percent: one.percent, height };
  });
  return [...there, ...rising];
}

/** Returns where the page of an app is: while it is being installed, that of its plan. */
export const toSpot = ({ look, app }: Pick<Spot, "look" | "app">) => ({
  name: look === "coming" ? "plan" : "app",
  params: { app },
});

function lookOf({ state, desired }: AppSummary): Look {
  if (isTroubled(state)) return "attention";
  if (state === "stopped" || (desired === "stopped" && state !== "stopping")) return "stopped";
  return state === "healthy" ? "runs" : "busy";
}

/** A line between an app and one that it uses. */
export interface Ferry {
  from: string;
  to: string;
  /** Whether both run, so that it can be used. */
  open: boolean;
  /** Whether something is going on: by what the one that uses it sends and receives. */
  moves: boolean;
}

/** Returns the lines between apps of the map. */
export function ferriesOf(spots: readonly Spot[]): Ferry[] {
  const looks = new Map(spots.map((one) => [one.app, one.look]));
  const runs = (app: string): boolean => ["runs", "busy"].includes(looks.get(app) ?? "");
  return spots.flatMap(({ app, uses, traffic }) =>
    uses
      .filter((to) => looks.has(to))
      .map((to) => {
        const open = runs(app) && runs(to);
        return { from: app, to, open, moves: open && traffic > QUIET };
      }),
  );
}
