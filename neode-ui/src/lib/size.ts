import { onUnmounted, ref, watch, type Ref } from "vue";

/** Returns the width of an element in pixels, in whole steps: what is drawn for it is not drawn anew for each pixel. */
export function useElementSize(element: Ref<HTMLElement | null>, step: number): { width: Ref<number> } {
  const width = ref(0);
  let observer: ResizeObserver | undefined;
  watch(
    element,
    (now) => {
      observer?.disconnect();
      if (!now) return;
      width.value = Math.ceil(now.clientWidth / step) * step;
      observer = new ResizeObserver(() => (width.value = Math.ceil(now.clientWidth / step) * step));
      observer.observe(now);
    },
    { immediate: true, flush: "post" },
  );
  onUnmounted(() => observer?.disconnect());
  return { width };
}
