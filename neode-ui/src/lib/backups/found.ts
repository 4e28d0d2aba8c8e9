import type { BackupView } from "../../api/types";

/** An app of which there are backups. */
export interface FoundApp {
  app: string;
  newest: BackupView;
  count: number;
}

/** Returns the apps of a list of backups, whose newest come first. */
export function appsFound(backups: readonly BackupView[]): FoundApp[] {
  const apps = new Map<string, FoundApp>();
  for (const one of backups) {
    const known = apps.get(one.app);
    const isNewer = !known || Date.parse(one.at) > Date.parse(known.newest.at);
    apps.set(one.app, { app: one.app, newest: isNewer ? one : known.newest, count: (known?.count ?? 0) + 1 });
  }
  return [...apps.values()];
}

/** How far a restore of several apps is. */
export interface Restored {
  done: string[];
  failed: Map<string, unknown>;
}

/**
 * Restores apps one after the other. One that fails is tried again after the others, for as long as that helps: it may need an
 * app that came later. `told` gets each step; `isOver` ends it between two apps.
 */
export async function restoreEach(
  apps: readonly string[],
  restore: (app: string) => Promise<void>,
  told: (so: Restored & { now?: string }) => void,
  isOver: () => boolean,
): Promise<Restored> {
  const done: string[] = [];
  let left = [...apps];
  for (;;) {
    const failed = new Map<string, unknown>();
    for (const app of left) {
      if (isOver()) return { done, failed };
      told({ done: [...done], failed, now: app });
      try {
        await restore(app);
        done.push(app);
      } catch (problem) {
        failed.set(app, problem);
      }
    }
    told({ done: [...done], failed });
    if (!failed.size || failed.size === left.length) return { done, failed };
    left = [...failed.keys()];
  }
}
