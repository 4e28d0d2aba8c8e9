import { expect, it } from "vitest";
import { APP_TABS, placeOf } from "../src/lib/appTabs";

it("leads each address to a tab, those of former tabs too", () => {
  for (const tab of APP_TABS) expect(placeOf(tab)).toEqual({ tab });
  expect(placeOf("metrics")).toEqual({ tab: "activity" });
  for (const section of ["access", "security", "terminal", "danger"] as const)
    expect(placeOf(section)).toEqual({ tab: "more", section });
  for (const unknown of [undefined, "", "nothing", "toString"]) expect(placeOf(unknown)).toEqual({ tab: "overview" });
});
