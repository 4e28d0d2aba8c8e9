import { shallowRef } from "vue";
import { useAttempt } from "./attempt";

/** A list that the node keeps, asked for at once and after each change of it. */
export function useListed<T>(ask: () => Promise<T[]>) {
  const items = shallowRef<T[]>([]);
  const { error, busy, attempt } = useAttempt();

  async function look(): Promise<void> {
    items.value = await ask();
  }

  /** Changes it, and shows it as it is then. */
  const change = (work: () => Promise<unknown>): Promise<boolean> =>
    attempt(async () => {
      await work();
      await look();
    });

  void attempt(look);
  return { items, error, busy, change };
}
