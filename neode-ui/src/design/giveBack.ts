import { watch, type Ref } from "vue";

/**
 * Returns what a dialog does with the focus once it is closed (`close-auto-focus`): its button gets it back, but not where a
 * link of the dialog has led to another page. There the page itself has it.
 */
export function useGiveBack(open: Ref<boolean>): (event: Event) => void {
  let place = "";
  watch(open, (now) => now && (place = location.pathname), { immediate: true });
  return (event) => location.pathname !== place && event.preventDefault();
}
