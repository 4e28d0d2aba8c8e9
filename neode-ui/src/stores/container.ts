import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { live } from "../api/live";
import { call } from "../api/rpc";
import type { AppSummary, Event, Operation, SystemInfo } from "../api/types";

const TOGETHER = 60;
/** Milliseconds in which events are gathered before the node is asked. */

/** What runs on the node, kept up to date by its events: every page looks at the same state. */
export const useContainers = defineStore("container", () => {
  const apps = ref<AppSummary[]>();
  const system = ref<SystemInfo>();
  const operations = ref<Operation[]>([]);
  /** Told the app of each event, null for all apps. */
  const heard = ref<{ app: string | null; number: number }>({ app: null, number: 0 });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop: (() => void) | undefined;

  const running = computed(() => operations.value.filter((one) => one.state === "pending" || one.state === "running"));
  const troubled = computed(() =>
    (apps.value ?? []).filter((one) => ["failed", "unhealthy", "backing-off"].includes(one.state)),
  );

  function follow(): void {
    stop ??= live.events(take);
    void refresh();
  }

  function unfollow(): void {
    stop?.();
    stop = undefined;
    apps.value = undefined;
    system.value = undefined;
    operations.value = [];
  }

  function take(event: Event): void {
    heard.value = { app: event.app, number: heard.value.number + 1 };
    clearTimeout(timer);
    timer = setTimeout(() => void refresh(), TOGETHER);
  }

  let asked = 0;

  /** Asks for everything that is shown everywhere. */
  async function refresh(): Promise<void> {
    const mine = ++asked;
    try {
      const [list, info, newest] = await Promise.all([
        call("container-list"),
        call("system-info"),
        call("operation-list", { limit: 50 }),
      ]);
      if (mine !== asked) return; // overtaken by a later question
      apps.value = list;
      system.value = info;
      operations.value = newest;
    } catch {
      // The banner says that the node is away; what is shown stays.
    }
  }

  /** Begins a change, and shows its effect before it returns. */
  async function change(work: Promise<Operation>): Promise<Operation> {
    const operation = await work;
    await refresh();
    return operation;
  }

  return { apps, system, operations, heard, running, troubled, follow, unfollow, refresh, change };
});
