import { defineStore } from "pinia";
import { ref } from "vue";

/** Whether something was typed that is not applied yet: whoever would throw it away asks first. */
export const useUnsaved = defineStore("unsaved", () => {
  const any = ref(false);
  /** Whether a dialog asks now. */
  const asked = ref(false);
  let give: (yes: boolean) => void = () => {};

  /** Returns once it is known whether it may be given up, at once where there is nothing. */
  function mayLeave(): Promise<boolean> {
    answer(false); // a question that another one replaces
    if (!any.value) return Promise.resolve(true);
    return new Promise<boolean>((settle) => {
      asked.value = true;
      give = settle;
    });
  }

  function answer(yes: boolean): void {
    asked.value = false;
    give(yes);
    give = () => {};
  }

  return { any, asked, mayLeave, answer };
});
