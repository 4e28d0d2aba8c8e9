import type { Desired, EndpointStatus, HealthState } from "../api/types";
import { familyOf } from "./connect";
import { webAddress, type Here } from "./endpoints";

/** What an owner most likely wants of an app now. */
export type MainAction =
  { kind: "start" } | { kind: "restart" } | { kind: "open"; address: string } | { kind: "connect"; title: string };

/** Returns it for whoever looks from `here`; undefined where there is nothing but to look. */
export function mainAction(
  app: { desired: Desired; state: HealthState; endpoints: EndpointStatus[] },
  mayOperate: boolean,
  here: Here,
): MainAction | undefined {
  if (app.desired === "stopped") return mayOperate ? { kind: "start" } : undefined;
  if (app.state === "failed") return mayOperate ? { kind: "restart" } : undefined; // there is nobody who would answer
  const address = webAddress(app.endpoints, here);
  if (address) return { kind: "open", address };
  const wire = app.endpoints.find((one) => one.kind === "api");
  return wire && { kind: "connect", title: familyOf(wire).title };
}
