import { computed } from "vue";
import { useNode } from "../api/queries";
import type { Methods } from "../api/types";
import { useAttempt } from "./attempt";

/** Lists that the node keeps, and returns to whoever asks without parameters. */
type Lists = { [M in keyof Methods]: Methods[M]["result"] extends unknown[] ? M : never }[keyof Methods];

/** A list that the node keeps, asked for again after each change of it. */
export function useListed<M extends Lists>(method: M) {
  const { found: items, failure, look } = useNode(method, {});
  const { error: refused, busy, attempt } = useAttempt();
  const error = computed(() => refused.value ?? failure.value);

  /** Changes it, and shows it as it is then. */
  const change = (work: () => Promise<unknown>): Promise<boolean> =>
    attempt(async () => {
      await work();
      await look();
    });

  return { items, error, busy, change, look };
}
