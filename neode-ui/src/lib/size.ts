import { onUnmounted, ref, watch, type Ref } from "vue";

/** Returns the width of an element in pixels, in whole steps: what is drawn for it is not drawn again for each pixel. */
export function useWidth(element: Readonly<Ref<HTMLElement | null>>, step: number): Ref<number> {
  const width = ref(0);
  let observer: ResizeObserver | undefined;
  watch(
    element,
    (now) => {
      observer?.disconnect();
      if (!now) return;
      const measure = (): void => void (width.value = Math.ceil(now.clientWidth / step) * step);
      measure();
      observer = new ResizeObserver(measure);
      observer.observe(now);
    },
    { immediate: true, flush: "post" },
  );
  onUnmounted(() => observer?.disconnect());
  return width;
}
