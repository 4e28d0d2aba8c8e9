import { computed, watch } from "vue";
import { useNode } from "../../api/queries";
import { call } from "../../api/rpc";
import { useContainers } from "../../stores/container";
import type { AppOnTarget } from "./proof";
import { shownOf } from "./running";

/** Milliseconds: what is overdue becomes so without an event. */
const EVERY = 300_000;

const distinct = (all: readonly string[]): string[] => [...new Set(all)];
const chosen = (all: readonly AppOnTarget[]) => ({
  apps: distinct(all.map((one) => one.app)),
  targets: distinct(all.map((one) => one.target)),
});

/** The targets of backups, asked for again once work on them has ended, and the work itself. */
export function useBackups() {
  const store = useContainers();
  const { found: targets, failure, look } = useNode("backup-targets", {}, { every: EVERY });
  const running = computed(() => shownOf(store.running));
  watch(() => store.running.map((one) => one.id).join(), look);

  /** Backs up apps; several of them are one operation of the node, which goes on without this page. */
  const backUp = ([one, ...more]: readonly AppOnTarget[]): Promise<unknown> | undefined =>
    one && store.change(more.length ? call("backup-all", chosen([one, ...more])) : call("backup-now", { ...one }));
  /** Tries backups out, in the same way. */
  const prove = ([one, ...more]: readonly AppOnTarget[]): Promise<unknown> | undefined =>
    one &&
    store.change(more.length ? call("backup-drill-all", chosen([one, ...more])) : call("backup-drill", { ...one }));

  return { targets, failure, look, running, backUp, prove };
}
