/** How far outside of what is seen something counts as seen soon. */
const AHEAD = "600px";

/** Has something done once an element is seen, or will be soon; returns what gives that up. */
export function whenInSight(element: Element, work: () => void): () => void {
  const watcher = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watcher.disconnect();
      work();
    },
    { rootMargin: AHEAD },
  );
  watcher.observe(element);
  return () => watcher.disconnect();
}
