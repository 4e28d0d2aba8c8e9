import { nextTick, ref } from "vue";
import { Declined } from "./consent";

const answers = new WeakSet<object>();

/** Tells whether a problem is the answer to something that the owner has just done, so that he must see it. */
export const isAnswer = (problem: unknown): boolean =>
  typeof problem === "object" && problem !== null && answers.has(problem);

/** Gives the focus back to what was pressed: a button loses it while it cannot be pressed again. */
async function giveBack(pressed: HTMLElement | null | undefined): Promise<void> {
  await nextTick();
  if (pressed?.isConnected && document.activeElement === document.body) pressed.focus({ preventScroll: true });
}

/** Work that may fail: `busy` while it goes on; where it fails, `error` says why and nothing else of the page changes. */
export function useAttempt() {
  const error = ref<unknown>();
  const busy = ref(false);

  /** Does the work; returns whether it succeeded. */
  async function attempt(work: () => Promise<unknown>): Promise<boolean> {
    const pressed = globalThis.document?.activeElement as HTMLElement | null | undefined;
    busy.value = true;
    error.value = undefined;
    try {
      await work();
      return true;
    } catch (problem) {
      if (problem instanceof Declined) return false;
      if (typeof problem === "object" && problem !== null) answers.add(problem);
      error.value = problem;
      return false;
    } finally {
      busy.value = false;
      void giveBack(pressed);
    }
  }

  return { error, busy, attempt };
}
