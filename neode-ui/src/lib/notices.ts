/** Notices that have one cause, in the order in which they were given. */
export interface Cause<T> {
  key: string;
  all: T[];
}

/** Groups notices by their cause; the group of the first one comes first. */
export function byCause<T extends { cause: string }>(notices: readonly T[]): Array<Cause<T>> {
  const groups = new Map<string, T[]>();
  for (const one of notices) {
    const group = groups.get(one.cause);
    if (group) group.push(one);
    else groups.set(one.cause, [one]);
  }
  return [...groups].map(([key, all]) => ({ key, all }));
}

/** Returns what a function says of all of them; undefined where that differs, or says nothing. */
export function shared<T, V>(all: readonly T[], of: (one: T) => V): V | undefined {
  const [first, ...others] = all.map(of);
  return first !== undefined && others.length && others.every((each) => each === first) ? first : undefined;
}

const NAMED = ["updates", "disk", "memory", "channels", "login", "app"];

/** Returns the key of the words for several notices of one cause. */
export function causeText(cause: string): string {
  const [kind = ""] = cause.split(":");
  return `notice.cause.${NAMED.includes(kind) ? kind : "host"}`;
}
