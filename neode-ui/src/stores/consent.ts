import { defineStore } from "pinia";
import { ref } from "vue";
import { whenConsentNeeded, type Consequences } from "../lib/consent";

/** Asks the owner before a change of one app touches others. */
export const useConsent = defineStore("consent", () => {
  /** What they are asked about. */
  const asked = ref<Consequences>();
  let give: (agreed: boolean) => void = () => {};

  function ask(about: Consequences): Promise<boolean> {
    answer(false); // a question that another one replaces
    return new Promise<boolean>((settle) => {
      asked.value = about;
      give = settle;
    });
  }

  function answer(agreed: boolean): void {
    asked.value = undefined;
    give(agreed);
  }

  whenConsentNeeded(ask);
  return { asked, answer };
});
