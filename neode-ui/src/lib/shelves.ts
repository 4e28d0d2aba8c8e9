import type { BundleView, CatalogEntry } from "../api/types";
import { words } from "../i18n/node";

/** Apps of the store that stand together; `category` is empty for those that stand alone in theirs. */
export interface Shelf {
  category: string;
  entries: CatalogEntry[];
}

/** Returns the apps in which all words of a text occur. */
export function matching(entries: CatalogEntry[], text: string): CatalogEntry[] {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter((one) => {
    const said = [one.name, one.app, one.summary, words(one.summary), one.description].join(" ").toLowerCase();
    return wanted.every((word) => said.includes(word));
  });
}

/** Returns apps on one shelf for each category that has several, and the others last; what is new to the owner comes first. */
export function shelves(entries: CatalogEntry[]): Shelf[] {
  const sorted = [...entries].sort(
    (one, other) =>
      Number(!!one.problem) - Number(!!other.problem) ||
      Number(!!one.installed) - Number(!!other.installed) ||
      one.name.localeCompare(other.name),
  );
  const by = new Map<string, CatalogEntry[]>();
  for (const entry of sorted) by.set(entry.category, [...(by.get(entry.category) ?? []), entry]);
  const large = [...by]
    .filter(([, those]) => those.length > 1)
    .map(([category, those]) => ({ category, entries: those }));
  const kept = new Set(large.map((one) => one.category));
  const rest = sorted.filter((one) => !kept.has(one.category));
  return [...large, ...(rest.length ? [{ category: "", entries: rest }] : [])];
}

/** Returns the apps of a bundle, in its order. */
export function appsOf(bundle: BundleView, entries: CatalogEntry[]): CatalogEntry[] {
  return bundle.apps.flatMap((app) => entries.filter((one) => one.app === app));
}

/** Returns the apps of a bundle that are not installed, in its order. */
export function missing(bundle: BundleView, entries: CatalogEntry[]): CatalogEntry[] {
  return appsOf(bundle, entries).filter((one) => !one.installed);
}
