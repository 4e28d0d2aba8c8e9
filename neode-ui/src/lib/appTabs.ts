/** The parts of an app's page. */
export const APP_TABS = ["overview", "settings", "activity", "logs", "more"] as const;
export type AppTab = (typeof APP_TABS)[number];

/** What is rarely needed, and stands under *More*; each has an address of its own. */
export const APP_SECTIONS = ["access", "security", "parts", "terminal", "danger"] as const;
export type AppSection = (typeof APP_SECTIONS)[number];

/** Returns the tab, and for *More* the section, that the last part of an address leads to; those of former tabs still do. */
export function placeOf(address: unknown): { tab: AppTab; section?: AppSection } {
  const section = APP_SECTIONS.find((each) => each === address);
  if (section) return { tab: "more", section };
  if (address === "metrics") return { tab: "activity" };
  return { tab: APP_TABS.find((each) => each === address) ?? "overview" };
}
