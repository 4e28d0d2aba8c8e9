import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";
import { live } from "../api/live";
import { renew, useNode } from "../api/queries";
import { call } from "../api/rpc";
import type { AppSummary, Event, Operation, SystemInfo } from "../api/types";
import { isTroubled } from "../lib/health";
import { isOver } from "../lib/operations";

/** Milliseconds in which events are gathered before the node is asked: in sight, and in a tab behind others. */
const TOGETHER = 60;
const BEHIND = 2_000;
const OPERATIONS = 50;
/** Milliseconds between two looks at the host, which tells of no events. */
const EVERY = 15_000;

/** What runs on the node, kept up to date by its events: every page looks at the same state. */
export const useContainers = defineStore("container", () => {
  const apps = ref<AppSummary[]>();
  const system = ref<SystemInfo>();
  const operations = ref<Operation[]>([]);
  /** Told the app of each event, null for all apps. */
  const heard = ref<{ app: string | null; number: number }>({ app: null, number: 0 });
  /** Names of the apps in the catalog; a message may be about one that is not installed. */
  const titles = ref<Record<string, string>>({});
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop: (() => void) | undefined;

  const running = computed(() => operations.value.filter((one) => one.state === "pending" || one.state === "running"));
  /** Installations under way; apps that are not among `apps` yet. */
  const coming = computed(() =>
    running.value.filter((one) => one.kind === "install" && !apps.value?.some(({ app }) => app === one.app)),
  );
  const { found: host } = useNode("system-info", {}, { every: EVERY, when: () => apps.value !== undefined });
  watch(host, (info) => apps.value && (system.value = info));
  watch(heard, ({ app }) => renew(app));
  const troubled = computed(() => (apps.value ?? []).filter((one) => isTroubled(one.state)));

  function follow(): void {
    stop ??= live.events(take, () => {
      void refresh();
      renew(null);
    });
    void refresh();
  }

  function unfollow(): void {
    stop?.();
    stop = undefined;
    clearTimeout(timer);
    timer = undefined;
    asking = next = undefined; // nobody else waits for an answer that may never come
    apps.value = undefined;
    system.value = undefined;
    operations.value = [];
  }

  function take(event: Event): void {
    heard.value = { app: event.app, number: heard.value.number + 1 };
    timer ??= setTimeout(
      () => {
        timer = undefined;
        void refresh();
      },
      document.hidden ? BEHIND : TOGETHER,
    );
  }

  let asking: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  /**
   * Asks for everything that is shown everywhere. There is one question at a time: whoever asks while one is under way
   * waits for the one after it, whose answer contains what has happened until now.
   */
  function refresh(): Promise<void> {
    if (!asking) {
      const mine = ask().finally(() => {
        if (asking === mine) asking = undefined;
      });
      asking = mine;
      return mine;
    }
    if (!next) {
      const mine = asking.then(() => {
        if (next === mine) next = undefined;
        return refresh();
      });
      next = mine;
    }
    return next;
  }

  async function ask(): Promise<void> {
    const mine = stop;
    try {
      const [list, info, newest] = await Promise.all([
        call("container-list"),
        call("system-info"),
        call("operation-list", { limit: OPERATIONS }),
      ]);
      if (!mine || mine !== stop) return; // nobody looks any more, or somebody else
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

  /** Returns an operation once it is over. */
  async function ended(id: string): Promise<Operation> {
    for (;;) {
      const known = operations.value.find((one) => one.id === id) ?? (await call("operation-get", { id }));
      if (isOver(known)) return known;
      await new Promise<void>((go) => {
        const unwatch = watch(operations, () => {
          unwatch();
          go();
        });
      });
    }
  }

  /** Returns what an app is called. */
  function nameOf(app: string): string {
    return apps.value?.find((one) => one.app === app)?.name ?? titles.value[app] ?? app;
  }

  /** Takes the names of the catalog. */
  function learn(entries: Array<{ app: string; name: string }>): void {
    titles.value = Object.fromEntries(entries.map(({ app, name }) => [app, name]));
  }

  return {
    nameOf,
    learn,
    apps,
    system,
    operations,
    heard,
    running,
    coming,
    troubled,
    follow,
    unfollow,
    refresh,
    change,
    ended,
  };
});
