import { ref, watchEffect } from "vue";

export type Theme = "auto" | "light" | "dark";
const KEY = "archipelago-theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = ref(dark.matches);
dark.addEventListener("change", (change) => (systemIsDark.value = change.matches));

/** What the owner chose; kept in this browser. */
export const theme = ref<Theme>(read());

watchEffect(() => {
  const isDark = theme.value === "dark" || (theme.value === "auto" && systemIsDark.value);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  localStorage.setItem(KEY, theme.value);
});

function read(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "auto";
}
