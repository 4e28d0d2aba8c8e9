import { onUnmounted } from "vue";

/** Milliseconds that a finger rests until it counts as a long touch, and pixels that it may move meanwhile. */
const LONG = 550;
const STILL = 10;

/**
 * Calls `asked` after a long touch, which some browsers on phones make no event of. The click that ends it is swallowed.
 *
 * @returns listeners for the element that is touched.
 */
export function useLongTouch(
  asked: (place: { x: number; y: number }, element: HTMLElement) => void,
): Record<string, (event: Event) => void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let start = { x: 0, y: 0 };
  let done = false;
  const stop = (): void => clearTimeout(timer);
  onUnmounted(stop);
  return {
    touchstart(event) {
      const [touch] = (event as TouchEvent).touches;
      const element = event.currentTarget as HTMLElement;
      done = false;
      stop();
      if (!touch) return;
      start = { x: touch.clientX, y: touch.clientY };
      timer = setTimeout(() => {
        done = true;
        asked(start, element);
      }, LONG);
    },
    touchmove(event) {
      const [touch] = (event as TouchEvent).touches;
      if (!touch || Math.hypot(touch.clientX - start.x, touch.clientY - start.y) > STILL) stop();
    },
    touchend: stop,
    touchcancel: stop,
    contextmenu: stop,
    click(event) {
      if (done) event.preventDefault();
      done = false;
    },
  };
}
