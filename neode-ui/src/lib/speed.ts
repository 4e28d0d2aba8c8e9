import { computed, ref, toValue, watch, type MaybeRefOrGetter } from "vue";
import type { Operation } from "../api/types";
import { currentStep } from "./operations";

/** How much was done at a moment; `at` in milliseconds since 1970. */
export interface Count {
  at: number;
  done: number;
}

/** Milliseconds over which a speed is measured, and the fewest from which one says anything. */
const WINDOW = 20_000;
const LEAST = 1_500;

/** Returns counts with one more, without what is too old to count; where less is done than before, it is another thing. */
export function counted(counts: readonly Count[], next: Count): Count[] {
  const last = counts.at(-1);
  if (last && (next.done < last.done || next.at < last.at)) return [next];
  if (last && next.at === last.at) return [...counts.slice(0, -1), next];
  return [...counts.filter((one) => one.at >= next.at - WINDOW), next];
}

/** Returns what is done in a second; undefined while nobody can know. */
export function speedOf(counts: readonly Count[]): number | undefined {
  const [first, last] = [counts[0], counts.at(-1)];
  if (!first || !last || last.at - first.at < LEAST) return undefined;
  return ((last.done - first.done) * 1000) / (last.at - first.at);
}

/** Returns the seconds until all is done; undefined while nobody can know. */
export function secondsLeft(done: number, total: number | null, speed: number | undefined): number | undefined {
  return total === null || !speed ? undefined : Math.max(0, (total - done) / speed);
}

/** The bytes that an operation moves now, by the node's own clock; undefined while it moves none. */
export function useMoving(operation: MaybeRefOrGetter<Operation>) {
  const counts = ref<Count[]>([]);
  const step = computed(() => currentStep(toValue(operation)));
  watch(
    [() => toValue(operation).updated_at, () => step.value?.name],
    ([at], before) => {
      const done = step.value?.bytes_done ?? null;
      const known = before[1] === step.value?.name ? counts.value : [];
      counts.value = done === null ? [] : counted(known, { at: Date.parse(at), done });
    },
    { immediate: true },
  );
  return computed(() => {
    const done = step.value?.bytes_done ?? null;
    if (done === null) return undefined;
    const total = step.value?.bytes_total ?? null;
    const speed = speedOf(counts.value);
    return { done, total, speed, left: secondsLeft(done, total, speed) };
  });
}
