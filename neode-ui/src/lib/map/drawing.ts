import { onUnmounted, shallowRef, watch, type Ref } from "vue";
import type { Drawn, Wanted } from "./drawn";

/** Returns the map that was drawn last, if it is the one that is wanted: then it is there with the first frame. */
function kept(place: string, key: string): Drawn | undefined {
  try {
    const found = JSON.parse(localStorage.getItem(place) ?? "null") as { key: string; drawn: Drawn } | null;
    return found?.key === key ? found.drawn : undefined;
  } catch {
    return undefined;
  }
}

function keep(place: string, key: string, drawn: Drawn): void {
  try {
    localStorage.setItem(place, JSON.stringify({ key, drawn }));
  } catch {
    // Full, or not allowed: then it is drawn once more at the next visit.
  }
}

/** Returns the map that is wanted, as soon as a worker has drawn it; until then, the one before. It is kept at a `place`. */
export function useDrawing(wanted: Ref<Wanted | undefined>, place = "archipelago-map"): Ref<Drawn | undefined> {
  const shown = shallowRef<Drawn>();
  let worker: Worker | undefined;
  let number = 0;
  watch(
    wanted,
    (now) => {
      if (!now) return;
      const key = JSON.stringify(now);
      number += 1;
      const known = kept(place, key);
      if (known) {
        shown.value = known;
        return;
      }
      worker ??= new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
      worker.onmessage = ({ data }: MessageEvent<{ number: number; drawn: Drawn }>) => {
        if (data.number !== number) return;
        shown.value = data.drawn;
        keep(place, key, data.drawn);
      };
      worker.postMessage({ number, wanted: now });
    },
    { immediate: true },
  );
  onUnmounted(() => worker?.terminate());
  return shown;
}
