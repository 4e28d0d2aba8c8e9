import { computed, ref, watchEffect } from "vue";
import { useKept } from "./kept";

export const THEMES = ["auto", "light", "dark"] as const;
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = ref(dark.matches);
dark.addEventListener("change", (change) => (systemIsDark.value = change.matches));

/** What the owner chose; kept in this browser. */
export const theme = useKept("theme", THEMES);

/** Whether the page is dark now. */
export const isDark = computed(() => theme.value === "dark" || (theme.value === "auto" && systemIsDark.value));

watchEffect(() => (document.documentElement.dataset.theme = isDark.value ? "dark" : "light"));
