import { ref, shallowRef } from "vue";

/** What the node answers to a question that is asked again and again: the newest counts, in whatever order they come. */
export function useAnswer<T>(ask: () => Promise<T>) {
  const found = shallowRef<T>();
  /** Why there is no newer answer; what was found before stays. */
  const failure = ref<unknown>();
  let asked = 0;
  /** The newest question that was answered: what was asked before it tells of the past. */
  let heard = 0;

  async function look(): Promise<void> {
    const mine = ++asked;
    let answer: T | undefined;
    let problem: unknown;
    try {
      answer = await ask();
    } catch (reason) {
      problem = reason;
    }
    if (mine < heard) return;
    heard = mine;
    failure.value = problem;
    if (problem === undefined) found.value = answer;
  }

  /** Drops what was found, and what is under way. */
  function forget(): void {
    heard = ++asked;
    found.value = failure.value = undefined;
  }

  return { found, failure, look, forget };
}
