/** Returns the last of some values, the lowest and the highest as they are shown; zero where there are none. */
export function figures(values: readonly number[], show: (value: number) => string) {
  const all = values.length ? values : [0];
  return { now: show(all.at(-1)!), lowest: show(Math.min(...all)), highest: show(Math.max(...all)) };
}
