import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Preferences } from "../src/api/types";
import { usePreferences } from "../src/stores/preferences";
import { answering, Later, Refusal } from "./standIn";

const KEPT: Preferences = { card_order: ["machine"], hidden_cards: [], pinned_apps: ["tor"] };

beforeEach(() => setActivePinia(createPinia()));
afterEach(() => vi.unstubAllGlobals());

describe("the preferences of an account", () => {
  it("are changed at once, and are then what the node has", async () => {
    const answer = new Later<Preferences>();
    const asked = answering({ "preferences-get": () => KEPT, "preferences-set": () => answer.promise });
    const preferences = usePreferences();
    await preferences.know();
    const work = preferences.change({ hidden_cards: ["safety"] });
    expect(preferences.all).toEqual({ ...KEPT, hidden_cards: ["safety"] });
    answer.give({ ...KEPT, hidden_cards: ["safety", "activity"] });
    await work;
    expect(preferences.all.hidden_cards).toEqual(["safety", "activity"]);
    expect(asked.at(-1)).toEqual({ method: "preferences-set", params: { hidden_cards: ["safety"] } });
  });

  it("are as before where the node refuses", async () => {
    answering({ "preferences-get": () => KEPT, "preferences-set": () => Promise.reject(new Refusal("forbidden")) });
    const preferences = usePreferences();
    await preferences.know();
    await expect(preferences.change({ pinned_apps: [] })).rejects.toMatchObject({ name: "forbidden" });
    expect(preferences.all).toEqual(KEPT);
  });

  it("are those of nobody where the node cannot be asked, and after a logout", async () => {
    answering({});
    const preferences = usePreferences();
    await preferences.know();
    expect(preferences.known).toBe(true);
    expect(preferences.all.pinned_apps).toEqual([]);
    answering({ "preferences-get": () => KEPT });
    await preferences.know();
    preferences.forget();
    expect(preferences.known).toBe(false);
    expect(preferences.all.pinned_apps).toEqual([]);
  });
});
