import type { Operation, OperationKind } from "../../api/types";

/** Kinds of work on backups, each with the one of the whole node that consists of it. */
const WHOLE: Partial<Record<OperationKind, OperationKind>> = {
  backup: "backup-all",
  "backup-restore": "backup-restore-all",
  "backup-drill": "backup-drill-all",
};
const KINDS = new Set<OperationKind>(Object.entries(WHOLE).flat() as OperationKind[]);

/** Returns the work on backups that is shown: what is part of work on the whole node is a step there. */
export function shownOf(running: readonly Operation[]): Operation[] {
  const isPart = ({ kind, app }: Operation): boolean =>
    running.some((one) => one.kind === WHOLE[kind] && one.apps.includes(app));
  return running.filter((one) => KINDS.has(one.kind) && !isPart(one));
}
