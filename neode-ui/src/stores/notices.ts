import { defineStore } from "pinia";
import { computed, ref } from "vue";
import type { RouteLocationRaw } from "vue-router";
import { call } from "../api/rpc";
import type { CatalogEntry, Finding } from "../api/types";
import { useContainers } from "./container";

export type Level = "error" | "warning" | "note";

export interface Notice {
  key: string;
  level: Level;
  /** Key of the sentence in the messages, with what it is about. */
  text: string;
  about: Record<string, string | number>;
  detail: string;
  /** Where it is mended. */
  to: RouteLocationRaw;
}

const ORDER: Level[] = ["error", "warning", "note"];

/** What needs the owner, the gravest first; the tab's title counts all but notes. */
export const useNotices = defineStore("notices", () => {
  const store = useContainers();
  const findings = ref<Finding[]>([]);
  const offered = ref<CatalogEntry[]>([]);

  async function examine(): Promise<void> {
    try {
      offered.value = await call("catalog-list");
      findings.value = (await call("doctor")).filter(({ severity }) => severity === "warning" || severity === "error");
    } catch {
      // The banner says that the node is away.
    }
  }

  const all = computed<Notice[]>(() => {
    const found: Notice[] = [];
    for (const one of store.troubled) {
      found.push({ key: `app ${one.app}`, level: "error", text: "notice.troubled", about: { name: one.name }, detail: one.reason, to: { name: "app", params: { app: one.app, tab: "logs" } } });
    }
    for (const level of ["error", "warning"] as const) {
      const these = findings.value.filter((one) => one.severity === level);
      if (these.length) found.push({ key: `doctor ${level}`, level, text: `notice.${level}s`, about: { n: these.length }, detail: these[0]?.what ?? "", to: { name: "system" } });
    }
    const failed = store.operations.filter((one, at, list) => one.state === "failed" && list.findIndex((each) => each.app === one.app) === at);
    for (const one of failed) {
      found.push({ key: `operation ${one.id}`, level: "warning", text: "notice.failed", about: { app: one.app }, detail: one.error?.message ?? "", to: { name: "operations" } });
    }
    for (const one of offered.value) {
      if (one.installed && one.version.localeCompare(one.installed, undefined, { numeric: true }) > 0) found.push({ key: `update ${one.app}`, level: "note", text: "home.update", about: { name: one.name, version: one.version }, detail: "", to: { name: "app", params: { app: one.app } } });
    }
    return found.sort((one, other) => ORDER.indexOf(one.level) - ORDER.indexOf(other.level));
  });
  const urgent = computed(() => all.value.filter((one) => one.level !== "note").length);

  return { all, urgent, examine };
});
