import { computed, onUnmounted, ref, watch } from "vue";
import { connected } from "../api/live";
import { call } from "../api/rpc";
import type { CatalogEntry, OptionView, Plan } from "../api/types";
import { useContainers } from "../stores/container";
import { useSession } from "../stores/session";
import { useAttempt } from "./attempt";
import { optionProblems, type Given } from "./options";

/** Milliseconds without a key after which somebody has ended typing. */
const PAUSE = 250;

/**
 * The plan of an app's installation, which follows what the owner chooses: settings, that begin with what is `proposed`,
 * and who provides what the app needs. `also` are installed in the same plan. What is typed is kept with the place in the browser's history.
 */
export function usePlanning(app: string, proposed: Given, also: string[] = []) {
  const session = useSession();
  const containers = useContainers();
  const entry = ref<CatalogEntry>();
  /** All apps of the catalog, which the plan names. */
  const entries = ref<CatalogEntry[]>([]);
  const options = ref<OptionView[]>([]);
  const plan = ref<Plan>();
  const given = ref<Given>((history.state as { given?: Given } | null)?.given ?? proposed);
  /** App that shall provide an interface, where the owner chose. */
  const choices = ref<Record<string, string>>({});
  /** Whether the plan is that of what is chosen: nothing else may be installed. */
  const current = ref(false);
  const { error, attempt } = useAttempt();
  const problems = computed(() => optionProblems(error.value));
  /** Whether what is wrong is said at a field. */
  const saidAtField = computed(() => options.value.some((one) => one.name in problems.value));

  let newest = 0;
  let typing: ReturnType<typeof setTimeout> | undefined;

  /** Says that no plan that was asked for until now is that of what is chosen; returns the number of the next question. */
  function outdate(): number {
    clearTimeout(typing);
    current.value = false;
    return ++newest;
  }

  async function ask(): Promise<void> {
    const mine = outdate();
    try {
      // An installation that was under way may have ended without one.
      if (!entry.value || entry.value.installed) {
        entries.value = await call("catalog-list");
        containers.learn(entries.value);
        entry.value = entries.value.find((one) => one.app === app);
      }
      if (entry.value?.installed) return;
      if (!options.value.length) options.value = await call("option-list", { app });
      const found = await call("plan", { app, options: given.value, choices: choices.value, also });
      if (mine !== newest) return;
      plan.value = found;
      current.value = true;
    } catch (problem) {
      if (mine === newest) throw problem;
    }
  }

  const again = (): Promise<boolean> => attempt(ask);

  function set(wanted: Given): void {
    given.value = wanted;
    history.replaceState({ ...history.state, given: { ...wanted } }, "");
    outdate();
    typing = setTimeout(() => void again(), PAUSE);
  }

  function choose(wanted: string, provider: string): void {
    choices.value = { ...choices.value, [wanted]: provider };
    void again();
  }

  void again();
  // What failed because the node was away, or asked for a login, is asked again by itself.
  watch([connected, () => session.expired], () => {
    if (connected.value && !session.expired && error.value !== undefined && !saidAtField.value) void again();
  });
  onUnmounted(outdate);

  return { entry, entries, options, plan, given, choices, current, error, problems, saidAtField, set, choose, again };
}
