import type { Plan, PlannedApp } from "../api/types";
import { allSaid } from "../i18n/node";

/** Returns the apps that were asked for first, then what is installed too, changes or is used by them; the rest does not matter. */
export function concerned(plan: Plan, asked: readonly string[]): PlannedApp[] {
  const used = new Set(plan.edges.filter((edge) => asked.includes(edge.consumer)).map((edge) => edge.provider));
  const all = plan.apps.filter((one) => one.action !== "reuse" || used.has(one.app) || asked.includes(one.app));
  const first = asked.flatMap((app) => all.filter((one) => one.app === app));
  return [...first, ...all.filter((one) => !asked.includes(one.app))];
}

/** Returns the interfaces that more than one app could provide to the apps that were asked for. */
export function openChoices(plan: Plan, asked: readonly string[]) {
  const open = plan.edges.filter((edge) => asked.includes(edge.consumer) && plan.alternatives[edge.interface]?.length);
  return [...new Map(open.map((edge) => [edge.interface, edge])).values()].map((edge) => ({
    interface: edge.interface,
    provider: edge.provider,
    others: plan.alternatives[edge.interface] ?? [],
  }));
}

/** Returns the apps that use another one. */
export const usersOf = (plan: Plan, provider: string): string[] => [
  ...new Set(plan.edges.filter((edge) => edge.provider === provider).map((edge) => edge.consumer)),
];

const RESTART = "it is restarted";

/** Returns why an app is restarted, in the page's language. */
export const restartReasons = (planned: PlannedApp): string[] =>
  allSaid(planned, "because").filter((_, at) => planned.because[at]?.startsWith(RESTART));
