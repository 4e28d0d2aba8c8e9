import { Activity, Cpu, House, LayoutGrid, LifeBuoy, ShieldCheck, Store } from "@lucide/vue";
import { computed } from "vue";
import { useRoute } from "vue-router";

/** The places of the node, in their order; those that a phone has no room for are in the account menu there. */
export const PLACES = [
  { name: "home", icon: House, phone: true },
  { name: "apps", icon: LayoutGrid, phone: true },
  { name: "store", icon: Store, phone: true },
  { name: "operations", icon: Activity, phone: true },
  { name: "backups", icon: LifeBuoy, phone: false },
  { name: "security", icon: ShieldCheck, phone: false },
  { name: "system", icon: Cpu, phone: true },
] as const;

const PART_OF: Partial<Record<string, string>> = {
  app: "apps",
  plan: "store",
  bundle: "store",
  restore: "backups",
  trust: "system",
};

/** Returns the place that the page in view belongs to. */
export function useHere() {
  const route = useRoute();
  return computed(() => PART_OF[String(route.name)] ?? String(route.name));
}
