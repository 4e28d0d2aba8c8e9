/** Returns things in the order that somebody wants: those that are named first, then the others as they come. */
export function inOrder<T>(things: readonly T[], nameOf: (thing: T) => string, wanted: readonly string[]): T[] {
  const place = new Map(wanted.map((name, at) => [name, at]));
  const rank = (thing: T): number => place.get(nameOf(thing)) ?? wanted.length;
  return [...things].sort((one, other) => rank(one) - rank(other));
}

/** Returns names without one of them, or with it at the end where it was not among them. */
export const toggled = (names: readonly string[], name: string): string[] =>
  names.includes(name) ? names.filter((one) => one !== name) : [...names, name];

/** Returns names with one of them moved up (-1) or down (1). */
export function moved(names: readonly string[], name: string, by: -1 | 1): string[] {
  const at = names.indexOf(name);
  const to = at + by;
  if (at < 0 || to < 0 || to >= names.length) return [...names];
  const changed = names.filter((one) => one !== name);
  changed.splice(to, 0, name);
  return changed;
}
