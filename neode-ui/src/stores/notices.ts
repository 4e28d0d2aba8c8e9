import { defineStore } from "pinia";
import { computed } from "vue";
import type { RouteLocationRaw } from "vue-router";
import { live } from "../api/live";
import { call } from "../api/rpc";
import type { Operation, Permission } from "../api/types";
import { containers, permissionToRepeat, repeat } from "../container-client";
import { useAnswer } from "../lib/answer";
import { useContainers } from "./container";

export type Level = "error" | "warning" | "note";

/** What mends it at the press of a button. */
export interface Mend {
  /** Key of the button's word in the messages. */
  text: string;
  permission: Permission;
  run: () => Promise<Operation>;
}

export interface Notice {
  key: string;
  level: Level;
  /** Key of the sentence in the messages, with what it is about; `n` chooses between one and many. */
  text: string;
  about: Record<string, string | number>;
  detail: string;
  /** Where one sees more of it. */
  to: RouteLocationRaw;
  mend?: Mend;
  /** Who did it, from where and when. */
  done?: { by: string; origin: string; at: string };
  /** Takes it away. */
  dismiss?: () => Promise<unknown>;
}

const ORDER: Level[] = ["error", "warning", "note"];
/** Milliseconds between two examinations while somebody looks. */
const EVERY = 300_000;
/** Part of the disk that is left when it is time to say so, and when it is late. */
const LITTLE = 0.1;
const TOO_LITTLE = 0.03;
/** Seconds before the disk is full that are worth a word. */
const SOON = 7 * 86_400;

/** What needs the owner, the gravest first; the tab's title counts all but notes. */
export const useNotices = defineStore("notices", () => {
  const store = useContainers();
  const { found, failure, look: examine, forget } = useAnswer(async () => {
    const [entries, all] = await Promise.all([call("catalog-list"), call("doctor")]);
    store.learn(entries);
    return { entries, findings: all.filter(({ severity }) => severity === "warning" || severity === "error") };
  });
  /** What was changed of how one logs in. */
  const { found: changes, look: lookAtChanges, forget: forgetChanges } = useAnswer(() => call("notice-list"));
  let timer: ReturnType<typeof setInterval> | undefined;
  let stop: (() => void) | undefined;

  /** Whether the first examination has ended, one way or another. */
  const known = computed(() => found.value !== undefined || failure.value !== undefined);

  /** Examines now, and then now and again. */
  function watchOver(): void {
    void examine();
    void lookAtChanges();
    timer ??= setInterval(() => document.hidden || void Promise.all([examine(), lookAtChanges()]), EVERY);
    stop ??= live.events((event) => event.kind === "notice" && void lookAtChanges());
  }

  function rest(): void {
    clearInterval(timer);
    timer = undefined;
    stop?.();
    stop = undefined;
    forget();
    forgetChanges();
  }

  function ofAccounts(): Notice[] {
    return (changes.value ?? []).map(({ id, action, subject, by, origin, at }) => ({
      key: `account ${id}`,
      level: "warning",
      text: `notice.account.${action}`,
      about: { subject, by },
      detail: "",
      to: { name: "security" },
      done: { by, origin, at },
      dismiss: async () => {
        await call("notice-dismiss", { id });
        await lookAtChanges();
      },
    }));
  }

  function ofApps(): Notice[] {
    return store.troubled.map((one) => ({
      key: `app ${one.app}`,
      level: "error",
      text: "notice.troubled",
      about: { name: one.name },
      detail: one.reason,
      to: { name: "app", params: { app: one.app, tab: "logs" } },
      mend: one.operation
        ? undefined
        : { text: "apps.restart", permission: "operate", run: () => containers.restart(one.app) },
    }));
  }

  function ofDisk(): Notice[] {
    const system = store.system;
    if (!system) return [];
    const left = system.disk_free / system.disk_total;
    const soon = system.disk_full_in !== null && system.disk_full_in < SOON;
    if (left >= LITTLE && !soon) return [];
    const level = left < TOO_LITTLE ? "error" : "warning";
    const text = left < LITTLE ? "notice.disk" : "notice.diskSoon";
    return [{ key: "disk", level, text, about: {}, detail: "", to: { name: "system" } }];
  }

  function ofDoctor(): Notice[] {
    return (["error", "warning"] as const).flatMap((level): Notice[] => {
      const these = (found.value?.findings ?? []).filter((one) => one.severity === level);
      if (!these.length) return [];
      const about = { n: these.length };
      return [{ key: `doctor ${level}`, level, text: `notice.${level}s`, about, detail: these[0]?.what ?? "", to: { name: "system" } }];
    });
  }

  /** An operation that failed, unless something was done with the app since. */
  function ofOperations(): Notice[] {
    const newest = store.operations.filter((one, at, all) => all.findIndex((each) => each.app === one.app) === at);
    return newest
      .filter((one) => one.state === "failed")
      .map((one) => {
        const again = repeat(one);
        return {
          key: `operation ${one.id}`,
          level: "warning",
          text: "notice.failed",
          about: { app: store.nameOf(one.app) },
          detail: one.error?.message ?? "",
          to: one.kind === "install" ? { name: "plan", params: { app: one.app } } : { name: "operations" },
          mend: again && { text: "operations.retry", permission: permissionToRepeat(one), run: again },
        };
      });
  }

  function ofUpdates(): Notice[] {
    const running = new Set(store.running.map((one) => one.app));
    return (found.value?.entries ?? [])
      .filter((one) => one.update_to !== null && !running.has(one.app))
      .map((one) => ({
        key: `update ${one.app}`,
        level: "note",
        text: "home.update",
        about: { name: one.name, version: one.update_to ?? "" },
        detail: "",
        to: { name: "app", params: { app: one.app } },
        mend: { text: "notice.update", permission: "manage", run: () => containers.update(one.app) },
      }));
  }

  const all = computed<Notice[]>(() =>
    [...ofAccounts(), ...ofApps(), ...ofDisk(), ...ofDoctor(), ...ofOperations(), ...ofUpdates()].sort(
      (one, other) => ORDER.indexOf(one.level) - ORDER.indexOf(other.level),
    ),
  );
  const urgent = computed(() => all.value.filter((one) => one.level !== "note").length);

  return { all, urgent, known, examine, watchOver, rest };
});
