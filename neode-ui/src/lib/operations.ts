import type { Operation } from "../api/types";
import { said } from "../i18n/node";

/** Tells whether nothing more will happen. */
export function isOver({ state }: Pick<Operation, "state">): boolean {
  return state === "done" || state === "failed" || state === "cancelled";
}

/** Returns the operations that are over now and were under way before. */
export function justEnded(before: Operation[], now: Operation[]): Operation[] {
  const going = new Set(before.filter((one) => !isOver(one)).map((one) => one.id));
  return now.filter((one) => isOver(one) && going.has(one.id));
}

/** Returns the seconds that an operation took, or has taken until `at` (milliseconds since 1970). */
export function duration(one: Operation, at: number): number {
  const end = isOver(one) ? Date.parse(one.updated_at) : at;
  return Math.max(0, (end - Date.parse(one.created_at)) / 1000);
}

/** Returns what is not up yet of an operation that is done, with the reason: a chain may need days, for which nobody waits. */
export function stillComing(one: Operation): string[] {
  return one.steps
    .filter(({ name, detail }) => name.startsWith("start ") && !["", "healthy"].includes(detail))
    .map((step) => `${step.name.slice(6)}: ${said(step, "detail")}`);
}

/** Returns the installation under way that brings an app: that was asked for, or that another one needs. */
export function bringing(running: Operation[], app: string, installed: boolean): Operation | undefined {
  const coming = running.filter((one) => one.kind === "install");
  return (
    coming.find((one) => one.app === app) ?? (installed ? undefined : coming.find((one) => one.apps.includes(app)))
  );
}

/** Returns the step of an operation that is being taken. */
export const currentStep = (one: Operation): Operation["steps"][number] | undefined =>
  one.steps.find((step) => step.state === "running");
