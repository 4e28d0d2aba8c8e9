import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";
import type { RouteLocationRaw } from "vue-router";
import { live } from "../api/live";
import { useNode } from "../api/queries";
import { call } from "../api/rpc";
import type { Hiding, Later, Notice as NodeNotice, Operation, Permission } from "../api/types";
import { containers, permissionToRepeat, repeat } from "../container-client";
import { said } from "../i18n/node";
import { useContainers } from "./container";

export type Level = "error" | "warning" | "note";

/** What fixes it at the press of a button. */
export interface Fix {
  /** Key of the button's word in the messages. */
  text: string;
  permission: Permission;
  run: () => Promise<Operation>;
}

export interface Notice {
  key: string;
  level: Level;
  /** The same for notices that have one cause. */
  cause: string;
  /** Key of the sentence in the messages, with what it is about. */
  text: string;
  about: Record<string, string>;
  detail: string;
  /** What happens if nothing is done. */
  consequence: string;
  /** Where one sees more of it, and the key of the words for that. */
  to: RouteLocationRaw;
  look: string;
  fix?: Fix;
  /** Who did it, from where and when. */
  done?: { by: string; origin: string; at: string };
  /** Takes it away for whoever is logged in. */
  dismiss?: () => Promise<unknown>;
  /** Hides it for everybody: until it says something else, or until it is brought back. */
  acknowledge?: () => Promise<unknown>;
  mute?: () => Promise<unknown>;
  /** Hides it for everybody for some time, or until it says something else. */
  remind?: (later: Later) => Promise<unknown>;
  /** How it is hidden. */
  hidden?: Hiding;
  /** When it is shown again. */
  hiddenUntil?: string;
  bringBack?: () => Promise<unknown>;
}

const ORDER: Level[] = ["error", "warning", "note"];
/** Milliseconds between two looks while somebody looks and nothing happens. */
const EVERY = 300_000;

/** What needs the owner, the gravest first; the tab's title counts all but notes. */
export const useNotices = defineStore("notices", () => {
  const store = useContainers();
  const watching = ref(false);
  const often = { every: EVERY, when: watching };
  const { found, failure, look: examine, forget } = useNode("node-notices", {}, often);
  /** What was changed of how one logs in. */
  const { found: changes, look: lookAtChanges, forget: forgetChanges } = useNode("notice-list", {}, often);
  /** Tells how apps are called that are not installed. */
  const { found: catalog } = useNode("catalog-list", {}, often);
  watch(catalog, (entries) => entries && store.learn(entries));
  let stops: Array<() => void> = [];

  /** Whether the first look has ended, one way or another. */
  const known = computed(() => found.value !== undefined || failure.value !== undefined);

  /** What notices are made of, of that which changes while somebody looks; mere progress is none of it. */
  function whatCounts(): string {
    const apps = (store.apps ?? []).map(({ app, version, state, reason, operation }) => [
      app,
      version,
      state,
      reason,
      operation,
    ]);
    return JSON.stringify([apps, store.operations.map(({ id, state }) => [id, state])]);
  }

  /** Looks now, whenever something has changed, and now and then. */
  function watchOver(): void {
    watching.value = true;
    if (stops.length) return;
    stops = [
      live.events(
        (event) => event.kind === "notice" && void Promise.all([examine(), lookAtChanges()]),
        () => void Promise.all([examine(), lookAtChanges()]),
      ),
      watch(whatCounts, () => void examine()),
    ];
  }

  function rest(): void {
    watching.value = false;
    stops.forEach((stop) => stop());
    stops = [];
    forget();
    forgetChanges();
  }

  function ofAccounts(): Notice[] {
    return (changes.value ?? []).map(({ id, action, subject, by, origin, at }) => ({
      key: `account ${id}`,
      level: "warning",
      cause: "login",
      text: `notice.account.${action}`,
      about: { subject, by },
      detail: "",
      consequence: "",
      to: { name: "security" },
      look: "home.look",
      done: { by, origin, at },
      dismiss: async () => {
        await call("notice-dismiss", { id });
        await lookAtChanges();
      },
    }));
  }

  /** What is particular to a kind: its sentence, where one sees more, and what fixes it. */
  function particulars(one: NodeNotice): Pick<Notice, "text" | "about" | "to" | "look" | "fix"> {
    const app = one.app ?? "";
    switch (one.kind) {
      case "app": {
        const busy = store.apps?.find((each) => each.app === app)?.operation;
        return {
          text: "notice.troubled",
          about: { name: one.name },
          to: { name: "app", params: { app, tab: "logs" } },
          look: "notice.log",
          fix: busy ? undefined : { text: "apps.restart", permission: "operate", run: () => containers.restart(app) },
        };
      }
      case "operation": {
        const operation = store.operations.find((each) => each.id === one.operation);
        const again = operation && repeat(operation);
        return {
          text: "notice.failed",
          about: { app: one.name },
          to: operation?.kind === "install" ? { name: "plan", params: { app } } : { name: "operations" },
          look: "home.look",
          fix: operation &&
            again && { text: "operations.retry", permission: permissionToRepeat(operation), run: again },
        };
      }
      case "update":
        return {
          // One that the node could not install by itself is said in its own words.
          text: one.level === "note" ? "home.update" : "notice.finding",
          about: { name: one.name, version: one.version ?? "", what: said(one, "text") },
          to: { name: "app", params: { app } },
          look: "home.look",
          fix: { text: "notice.update", permission: "manage", run: () => containers.update(app) },
        };
      case "words":
      case "updated":
        return {
          text: "notice.finding",
          about: { what: said(one, "text") },
          to: { name: "app", params: { app } },
          look: "home.look",
        };
      case "disk":
        return { text: "notice.disk", about: {}, to: { name: "system" }, look: "notice.space" };
      case "disk-soon":
        return { text: "notice.diskSoon", about: {}, to: { name: "system" }, look: "notice.space" };
      case "memory":
        return { text: "notice.memory", about: {}, to: { name: "system" }, look: "notice.memoryUse" };
      case "finding":
        return {
          text: "notice.finding",
          about: { what: said(one, "text") },
          to: { name: one.cause === "backups" ? "backups" : "system" },
          look: one.cause === "backups" ? "home.look" : "notice.how",
        };
      case "channel":
        return {
          text: "notice.channel",
          about: { name: one.name },
          to: { name: "system", hash: "#notifications" },
          look: "notice.settings",
        };
    }
  }

  async function hide(one: NodeNotice, mute: boolean): Promise<void> {
    await call("node-notice-hide", { id: one.id, said: one.said, mute });
    await examine();
  }

  function ofNode(one: NodeNotice): Notice {
    return {
      key: one.id,
      level: one.level === "ok" ? "note" : one.level,
      cause: one.cause,
      detail: said(one, "detail"),
      consequence: said(one, "consequence"),
      hidden: one.hidden ?? undefined,
      hiddenUntil: one.hidden_until ?? undefined,
      ...particulars(one),
      acknowledge: () => hide(one, false),
      mute: one.may_mute ? () => hide(one, true) : undefined,
      remind: async (later) => {
        await call("node-notice-remind", { id: one.id, said: one.said, later });
        await examine();
      },
      bringBack: async () => {
        await call("node-notice-show", { id: one.id });
        await examine();
      },
    };
  }

  const everything = computed<Notice[]>(() =>
    [...ofAccounts(), ...(found.value ?? []).map(ofNode)].sort(
      (one, other) => ORDER.indexOf(one.level) - ORDER.indexOf(other.level),
    ),
  );
  const all = computed(() => everything.value.filter((one) => !one.hidden));
  const aside = computed(() => everything.value.filter((one) => one.hidden));
  const urgent = computed(() => all.value.filter((one) => one.level !== "note").length);

  return { all, aside, urgent, known, examine, watchOver, rest };
});
