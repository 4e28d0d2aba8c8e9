import { defineStore } from "pinia";
import { ref } from "vue";

/** Whether something was typed that is not applied yet: whoever would throw it away asks first. */
export const useUnsaved = defineStore("unsaved", () => {
  const any = ref(false);

  /** Returns whether it may be given up; `question` is put where there is anything. */
  function mayLeave(question: string): boolean {
    return !any.value || window.confirm(question);
  }

  return { any, mayLeave };
});
