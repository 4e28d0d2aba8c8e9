import { onUnmounted, ref } from "vue";

const SAID_FOR = 3_000;

/** Copies texts; `copied` is the one that was copied a moment ago. */
export function useCopy() {
  const copied = ref("");
  let timer: ReturnType<typeof setTimeout> | undefined;
  onUnmounted(() => clearTimeout(timer));

  /** Throws where the browser does not allow it. */
  async function copy(text: string): Promise<void> {
    await navigator.clipboard.writeText(text);
    copied.value = text;
    clearTimeout(timer);
    timer = setTimeout(() => (copied.value = ""), SAID_FOR);
  }

  return { copied, copy };
}
