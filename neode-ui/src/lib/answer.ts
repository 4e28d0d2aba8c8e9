import { ref, shallowRef } from "vue";

/** What the node answers to a question that is asked again and again: the newest counts, in whatever order they come. */
export function useAnswer<T>(ask: () => Promise<T>) {
  const found = shallowRef<T>();
  /** Why there is no newer answer; what was found before stays. */
  const failure = ref<unknown>();
  let round = 0;

  async function look(): Promise<void> {
    const mine = ++round;
    try {
      const answer = await ask();
      if (mine !== round) return;
      found.value = answer;
      failure.value = undefined;
    } catch (problem) {
      if (mine === round) failure.value = problem;
    }
  }

  /** Drops what was found, and what is under way. */
  function forget(): void {
    round += 1;
    found.value = failure.value = undefined;
  }

  return { found, failure, look, forget };
}
