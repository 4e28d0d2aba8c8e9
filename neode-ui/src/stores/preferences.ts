import { defineStore } from "pinia";
import { ref } from "vue";
import { call } from "../api/rpc";
import type { Preferences } from "../api/types";

const NONE: Preferences = { card_order: [], hidden_cards: [], pinned_apps: [] };

/** How an account likes the page; the node keeps it, so that it is the same in any browser. */
export const usePreferences = defineStore("preferences", () => {
  const all = ref<Preferences>(NONE);
  /** Whether the node was asked. */
  const known = ref(false);

  async function know(): Promise<void> {
    try {
      all.value = await call("preferences-get");
    } catch {
      // Then the page looks as it does without preferences.
    }
    known.value = true;
  }

  /** Changes some of it: at once on the page, and back if the node refuses. */
  async function change(part: Partial<Preferences>): Promise<void> {
    const before = all.value;
    all.value = { ...before, ...part };
    try {
      all.value = await call("preferences-set", part);
    } catch (problem) {
      all.value = before;
      throw problem;
    }
  }

  function forget(): void {
    all.value = NONE;
    known.value = false;
  }

  return { all, known, know, change, forget };
});
