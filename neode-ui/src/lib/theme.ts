import { ref, watchEffect } from "vue";
import { useKept } from "./kept";

export const THEMES = ["auto", "light", "dark"] as const;
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = ref(dark.matches);
dark.addEventListener("change", (change) => (systemIsDark.value = change.matches));

/** What the owner chose; kept in this browser. */
export const theme = useKept("theme", THEMES);

watchEffect(() => {
  const isDark = theme.value === "dark" || (theme.value === "auto" && systemIsDark.value);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
});
