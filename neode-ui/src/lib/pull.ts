import { onMounted, onUnmounted, ref, type Ref } from "vue";

/** Pixels that one has to pull, and how far what is shown follows at the most. */
const ENOUGH = 72;
const MOST = 110;

/**
 * Pulling the page down at its top does some work, as people expect of apps on a phone.
 *
 * @returns how far the page is pulled, in pixels, and whether the work is being done.
 */
export function usePull(work: () => Promise<unknown>): { pulled: Ref<number>; working: Ref<boolean> } {
  const pulled = ref(0);
  const working = ref(false);
  let start: { x: number; y: number } | undefined;

  /** Within what scrolls by itself, pulling means to scroll that. */
  const scrolls = (target: EventTarget | null): boolean => {
    for (let at = target instanceof Element ? target : null; at && at !== document.body; at = at.parentElement)
      if (at.scrollTop > 0 || at.matches("[role=dialog], [role=alertdialog]")) return true;
    return false;
  };
  function begin(event: TouchEvent): void {
    const [touch] = event.touches;
    const fits = touch && event.touches.length === 1 && window.scrollY <= 0 && !working.value && !scrolls(event.target);
    start = fits ? { x: touch.clientX, y: touch.clientY } : undefined;
  }
  function move(event: TouchEvent): void {
    const [touch] = event.touches;
    if (!start || !touch) return;
    const down = touch.clientY - start.y;
    if (down < 0 || Math.abs(touch.clientX - start.x) > Math.max(down, 10)) {
      start = undefined;
      pulled.value = 0;
      return;
    }
    pulled.value = Math.min(down / 2, MOST);
  }
  async function end(): Promise<void> {
    const enough = pulled.value >= ENOUGH;
    start = undefined;
    pulled.value = 0;
    if (!enough) return;
    working.value = true;
    try {
      await work();
    } finally {
      working.value = false;
    }
  }
  const passive = { passive: true };
  onMounted(() => {
    window.addEventListener("touchstart", begin, passive);
    window.addEventListener("touchmove", move, passive);
    window.addEventListener("touchend", end, passive);
    window.addEventListener("touchcancel", end, passive);
  });
  onUnmounted(() => {
    window.removeEventListener("touchstart", begin);
    window.removeEventListener("touchmove", move);
    window.removeEventListener("touchend", end);
    window.removeEventListener("touchcancel", end);
  });
  return { pulled, working };
}
