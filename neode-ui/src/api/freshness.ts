import { ref } from "vue";

/** Whether the node serves a newer page than this one: what is not loaded yet may be gone. */
export const outdated = ref(false);

/** Looks whether the node still serves this very page. */
export async function checkFreshness(): Promise<void> {
  const own = document.querySelector<HTMLScriptElement>('script[type="module"][src]')?.getAttribute("src");
  if (!own) return;
  try {
    const page = await fetch("/", { cache: "no-cache", credentials: "omit" });
    if (page.ok && !(await page.text()).includes(`"${own}"`)) outdated.value = true;
  } catch {
    // The banner says that the node is away.
  }
}

// A part of the page that is fetched when it is looked at, and no longer there.
window.addEventListener("vite:preloadError", (event) => {
  event.preventDefault();
  void checkFreshness();
});
