import { computed, ref, watch } from "vue";
import { containers } from "../container-client";
import { useContainers } from "../stores/container";
import { useAttempt } from "./attempt";
import { bringing } from "./operations";
import type { Given } from "./options";
import { usePlanning } from "./planning";

/** The installation of an app, or of several in one plan: what it would do, and how far it is. */
export function useInstallation(app: string, proposed: Given = {}, also: string[] = []) {
  const store = useContainers();
  const planning = usePlanning(app, proposed, also);
  const { entry, plan, given, choices, current, again } = planning;
  const { error: refusal, busy, attempt } = useAttempt();
  const begun = ref("");

  /** The installation that was started here, or that is under way: in another tab, or before this page was loaded again. */
  const operation = computed(
    () =>
      store.operations.find((one) => one.id === begun.value) ??
      bringing(store.running, app, !!store.apps?.some((one) => one.app === app)),
  );
  watch(operation, (now, before) => {
    if (now) begun.value = now.id;
    if (now?.state !== before?.state && (now?.state === "failed" || now?.state === "cancelled")) void again();
  });
  const mayInstall = computed(
    () =>
      !!entry.value &&
      !entry.value.installed &&
      (!operation.value || operation.value.state === "failed" || operation.value.state === "cancelled"),
  );

  /** Installs what the plan shows, and nothing while it shows something else. */
  async function install(): Promise<void> {
    if (!current.value) return;
    await attempt(async () => {
      const work = containers.install(app, given.value, choices.value, plan.value?.digest, also);
      begun.value = (await store.change(work)).id;
    });
  }

  return { ...planning, refusal, busy, operation, mayInstall, install };
}

export type Installation = ReturnType<typeof useInstallation>;
