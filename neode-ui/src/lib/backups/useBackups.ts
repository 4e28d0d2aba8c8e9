import { computed, watch } from "vue";
import { useNode } from "../../api/queries";
import { call } from "../../api/rpc";
import type { Operation } from "../../api/types";
import { useContainers } from "../../stores/container";
import type { AppOnTarget } from "./proof";
import { rounds } from "./rounds";

const KINDS: ReadonlySet<string> = new Set(["backup", "backup-restore", "backup-drill"]);
type Open = (one: AppOnTarget) => Promise<Operation>;
/** Milliseconds: what is overdue becomes so without an event. */
const EVERY = 300_000;

/** The targets of backups, asked for again once work on them has ended, and the work itself. */
export function useBackups() {
  const store = useContainers();
  const { found: targets, failure, look } = useNode("backup-targets", {}, { every: EVERY });
  const running = computed(() => store.running.filter((one) => KINDS.has(one.kind)));
  watch(() => running.value.map((one) => one.id).join(), look);

  /** Starts work on apps, each by itself: one that cannot start does not keep the others from it, and is what is thrown. */
  async function openRound(round: readonly AppOnTarget[], open: Open): Promise<Operation[]> {
    const opened: Operation[] = [];
    const refused: unknown[] = [];
    for (const one of round)
      await open(one).then(
        (operation) => opened.push(operation),
        (problem: unknown) => refused.push(problem),
      );
    await store.refresh();
    if (refused.length) throw refused[0];
    return opened;
  }

  /** Starts the first round; the others follow while this page is open, and at night in any case. */
  async function openAll(all: readonly AppOnTarget[], open: Open): Promise<void> {
    const [first = [], ...later] = rounds(all);
    const opened = await openRound(first, open);
    void follow(opened, later, open).catch(() => {});
  }

  async function follow(opened: Operation[], later: AppOnTarget[][], open: Open): Promise<void> {
    for (const round of later) {
      await Promise.all(opened.map((one) => store.ended(one.id)));
      opened = await openRound(round, open);
    }
  }

  const backUp = (all: readonly AppOnTarget[]): Promise<void> => openAll(all, (one) => call("backup-now", { ...one }));
  const prove = (all: readonly AppOnTarget[]): Promise<void> => openAll(all, (one) => call("backup-drill", { ...one }));

  return { targets, failure, look, running, backUp, prove };
}
