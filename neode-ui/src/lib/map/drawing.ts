import { onUnmounted, ref, shallowRef, watch, type Ref } from "vue";
import type { Drawn, Wanted } from "./drawn";
import type { Earlier } from "./layout";

interface Kept {
  key: string;
  drawn: Drawn;
}

/** Returns the map that was drawn last in this browser. */
function kept(place: string): Kept | undefined {
  try {
    return (JSON.parse(localStorage.getItem(place) ?? "null") as Kept | null) ?? undefined;
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

/** Returns where the islands of a node were; another version of the page may have kept something else. */
function islandsOf(drawn: Drawn | undefined, node: string): Earlier | undefined {
  if (drawn?.node !== node) return undefined;
  const { width, height, islands } = drawn;
  return { width, height, islands: islands.map(({ app, x, y }) => ({ app, x, y })) };
}

/**
 * Returns the map that is wanted, as soon as a worker has drawn it; until then, the one before. It is kept at a `place`: it is
 * there with the first frame of the next visit, and its islands stay where they are while apps come and go. `busy` says that
 * what is shown is not yet what is wanted.
 */
export function useDrawing(
  wanted: Ref<Wanted | undefined>,
  place = "archipelago-map",
): { drawing: Ref<Drawn | undefined>; busy: Ref<boolean> } {
  const shown = shallowRef<Drawn>();
  const busy = ref(false);
  let worker: Worker | undefined;
  let number = 0;
  watch(
    wanted,
    (now) => {
      if (!now) return;
      const key = JSON.stringify(now);
      number += 1;
      const last = kept(place);
      if (last?.key === key) {
        shown.value = last.drawn;
        busy.value = false;
        return;
      }
      busy.value = true;
      worker ??= new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
      worker.onmessage = ({ data }: MessageEvent<{ number: number; drawn: Drawn }>) => {
        if (data.number !== number) return;
        shown.value = data.drawn;
        busy.value = false;
        keep(place, key, data.drawn);
      };
      worker.postMessage({ number, wanted: now, before: islandsOf(shown.value ?? last?.drawn, now.node) });
    },
    { immediate: true },
  );
  onUnmounted(() => worker?.terminate());
  return { drawing: shown, busy };
}
