import { call } from "./api/rpc";
import type { Operation, Permission, PlannedApp } from "./api/types";
import { consent } from "./lib/consent";
import type { Given } from "./lib/options";

/** What an owner does with an app; each returns the operation that it began. What touches other apps asks before. */
export const containers = {
  start: (app: string): Promise<Operation> => call("container-start", { app }),
  stop: async (app: string): Promise<Operation> => {
    const { stops, interrupts } = await call("change-preview", { app, change: "stop" });
    await consent({ what: "stop", app, stops, restarts: [], interrupts });
    return call("container-stop", { app, agreed: stops });
  },
  restart: async (app: string): Promise<Operation> => {
    const { interrupts } = await call("change-preview", { app, change: "restart" });
    await consent({ what: "restart", app, stops: [], restarts: [], interrupts });
    return call("container-restart", { app });
  },
  update: async (app: string): Promise<Operation> => {
    const plan = await call("plan", { app });
    const all = (action: PlannedApp["action"]): string[] =>
      plan.apps.filter((one) => one.action === action).map((one) => one.app);
    const [restarts, installs] = [all("restart"), all("install")];
    const planned = plan.apps.find((one) => one.app === app);
    const { way_back: wayBack, release_notes: notes } = planned ?? {};
    const { interrupts } = plan;
    await consent({ what: "update", app, stops: [], restarts, interrupts, installs, wayBack, notes, plan });
    return call("container-update", { app, plan: plan.digest });
  },
  remove: (app: string, deleteData: boolean): Promise<Operation> =>
    call("container-remove", { app, delete_data: deleteData }),
  install: async (
    app: string,
    options: Given,
    choices: Record<string, string>,
    plan?: string,
    also: string[] = [],
  ): Promise<Operation> => {
    const more = { ...(plan === undefined ? {} : { plan }), ...(also.length ? { also } : {}) };
    return (await call("container-install", { app, options, choices, ...more })) as Operation;
  },
  configure: async (app: string, options: Record<string, boolean | number | string>, reset: string[]) => {
    const { installs, restarts, interrupts, plan } = await call("config-preview", { app, options, reset });
    await consent({ what: "settings", app, stops: [], restarts, interrupts, installs });
    const agreed = [...restarts, ...installs];
    return (await call("container-config", { app, options, reset, agreed, plan })) as Operation;
  },
  rollBack: async (app: string, number: number): Promise<Operation> => {
    const { installs, restarts, interrupts, plan } = await call("rollback-preview", { app, number });
    await consent({ what: "settings", app, stops: [], restarts, interrupts, installs });
    return call("config-rollback", { app, number, agreed: [...restarts, ...installs], plan });
  },
  cancel: (id: string): Promise<Operation> => call("operation-cancel", { id }),
};

/** Returns what does an operation once more, for kinds that need nothing but the app. */
export function repeat({ kind, app }: Operation): (() => Promise<Operation>) | undefined {
  switch (kind) {
    case "start":
    case "stop":
    case "restart":
    case "update":
      return () => containers[kind](app);
    default:
      return undefined;
  }
}

/** Returns what one must be allowed to do an operation once more. */
export function permissionToRepeat({ kind }: Pick<Operation, "kind">): Permission {
  return kind === "install" || kind === "update" ? "manage" : "operate";
}
