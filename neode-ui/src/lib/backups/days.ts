/** What happened on one day of the owner's, the latest first. */
export interface Day<T> {
  /** Midnight of that day, in milliseconds since 1970. */
  day: number;
  all: T[];
}

/** Groups moments by the owner's days, the latest first; two of the same time stay in their order. */
export function byDay<T extends { at: string }>(moments: readonly T[]): Array<Day<T>> {
  const days = new Map<number, T[]>();
  const sorted = [...moments].sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
  for (const one of sorted) {
    const day = new Date(one.at).setHours(0, 0, 0, 0);
    days.set(day, [...(days.get(day) ?? []), one]);
  }
  return [...days].map(([day, all]) => ({ day, all }));
}
