import { call } from "./api/rpc";
import type { Operation, Permission } from "./api/types";
import type { Given } from "./lib/options";

/** What an owner does with an app; each returns the operation that it began. */
export const containers = {
  start: (app: string): Promise<Operation> => call("container-start", { app }),
  stop: (app: string): Promise<Operation> => call("container-stop", { app }),
  restart: (app: string): Promise<Operation> => call("container-restart", { app }),
  update: (app: string): Promise<Operation> => call("container-update", { app }),
  remove: (app: string, deleteData: boolean): Promise<Operation> =>
    call("container-remove", { app, delete_data: deleteData }),
  install: async (app: string, options: Given, choices: Record<string, string>, plan?: string): Promise<Operation> =>
    (await call("container-install", plan === undefined ? { app, options, choices } : { app, options, choices, plan })) as Operation,
  configure: async (app: string, options: Record<string, boolean | number | string>, reset: string[]) =>
    (await call("container-config", { app, options, reset })) as Operation,
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
