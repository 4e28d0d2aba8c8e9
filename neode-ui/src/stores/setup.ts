import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { call } from "../api/rpc";
import type { SetupStep } from "../api/types";

/** What the owner does once at the beginning; the node remembers it, so that it goes on in any browser. */
export const useSetup = defineStore("setup", () => {
  const done = ref<SetupStep[]>();
  const finished = computed(() => done.value === undefined || done.value.includes("finished"));

  /** Whether the node was asked. */
  const known = ref(false);

  async function know(): Promise<void> {
    try {
      done.value = (await call("setup-status")).done;
    } catch {
      // Who cannot ask is not bothered.
    }
    known.value = true;
  }

  async function note(step: SetupStep): Promise<void> {
    done.value = (await call("setup-done", { step })).done;
  }

  return { done, finished, known, know, note };
});
