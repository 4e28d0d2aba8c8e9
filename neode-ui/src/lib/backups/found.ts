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
