import type { DOMWrapper, VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ConfigPreview, Operation, OptionView, Permission } from "../../src/api/types";
import BaseSelect from "../../src/design/components/BaseSelect.vue";
import { useUnsaved } from "../../src/stores/unsaved";
import AppSettings from "../../src/components/app/AppSettings.vue";
import { begin, button, mounted, words } from "./mounted";
import { operation, option, status } from "../samples";
import { answering, Later, paramsOf, Refusal, type Answers } from "../standIn";

const OPTIONS = [
  option({
    name: "chain",
    kind: "choice",
    label: "Chain",
    default: "mainnet",
    value: "mainnet",
    choices: ["mainnet", "signet"],
  }),
  option({ name: "prune", label: "Prune", default: 0, value: 550, set_by_owner: true }),
  option({ name: "txindex", kind: "bool", label: "Index", default: false, value: false, demanded_by: ["electrumx"] }),
  option({ name: "dbcache", label: "Cache", advanced: true, default: 450, value: 450 }),
];
const REVISIONS = [2, 1].map((number) => ({
  number,
  at: "2026-01-01T00:00:00Z",
  why: "changed",
  version: "1",
  options: {},
  choices: {},
}));
const FOUND: ConfigPreview = {
  changes: [{ what: "prune", before: 550, after: 1000 }],
  restarts: ["bitcoin-knots", "electrumx"],
  installs: ["tor"],
  plan: "d2",
  interrupts: [],
  data: ["ElectrumX keeps its data of mainnet"],
};
const AGREED = [...FOUND.restarts, ...FOUND.installs];

const ANSWERS: Answers = {
  "option-list": () => OPTIONS,
  "config-history": () => REVISIONS,
  "config-preview": () => FOUND,
  "rollback-preview": () => FOUND,
  "container-config": () => operation({ kind: "configure" }),
  "container-list": () => [],
  "operation-list": () => [],
  "operation-get": () => operation({ kind: "configure", state: "done" }),
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const settled = () => vi.advanceTimersByTimeAsync(0);
/** As long as the page waits for somebody to end typing. */
const typedOut = () => vi.advanceTimersByTimeAsync(300);

async function settings(own: Answers = {}, permission: Permission = "manage") {
  begin(permission);
  const asked = answering({ ...ANSWERS, ...own });
  const found = await mounted(AppSettings, { status: status() });
  await settled();
  return { ...found, asked };
}

const input = (page: VueWrapper, name: string) => page.get<HTMLInputElement>(`#option-${name}`);
const choose = (page: VueWrapper, chain: string) => page.getComponent(BaseSelect).setValue(chain);
const apply = (page: VueWrapper) => button(page, words("app.apply")) as DOMWrapper<Element>;
const isOff = (one: { attributes: (name: string) => string | undefined } | undefined) =>
  one?.attributes("disabled") !== undefined;
/** Leaves the page, once somebody has answered the question whether what was typed may be lost. */
async function answered(leaving: Promise<unknown>, yes: boolean): Promise<void> {
  await settled();
  expect(useUnsaved().asked).toBe(true);
  useUnsaved().answer(yes);
  await leaving;
}
/** What the node says against the value of an option. */
const wrong = (option: string, message: string, expected: string | null) =>
  new Refusal("invalid", "wrong", { problems: [{ option, message, expected }] });

describe("the settings of an app", () => {
  it("show what is in force, the rarer ones once they are asked for", async () => {
    const { page } = await settings();
    expect(input(page, "prune").element.value).toBe("550");
    expect(page.find("#option-dbcache").exists()).toBe(false);
    await button(page, words("app.moreOptions"))?.trigger("click");
    expect(input(page, "dbcache").element.value).toBe("450");
  });

  it("are asked for again where something is done with the app, and for no other change of it", async () => {
    const { give, asked } = await settings();
    const times = () => [paramsOf(asked, "option-list").length, paramsOf(asked, "config-history").length];
    give({ status: status({ desired: "stopped" }) });
    await settled();
    expect(times()).toEqual([1, 1]);
    give({ status: status({ operation: "1" }) });
    await settled();
    expect(times()).toEqual([2, 2]);
  });

  it("cannot be changed where other apps need them, or by who may not", async () => {
    const { page } = await settings();
    expect(isOff(input(page, "txindex"))).toBe(true);
    expect(isOff(input(page, "prune"))).toBe(false);
    const other = await settings({}, "operate");
    expect(isOff(input(other.page, "prune"))).toBe(true);
    expect(button(other.page, words("app.apply"))).toBeUndefined();
    expect(button(other.page, words("app.rollback"))).toBeUndefined();
  });

  it("say so where the app has none", async () => {
    const { page } = await settings({ "option-list": () => [] });
    expect(page.text()).toContain(words("app.noOptions"));
    expect(button(page, words("app.apply"))).toBeUndefined();
  });

  it("show why they cannot be shown", async () => {
    const { page } = await settings({
      "option-list": () => Promise.reject(new Refusal("internal", "the disk is gone")),
    });
    expect(page.get("[role=alert]").text()).toContain("the disk is gone");
  });

  it("are asked for again with the next change of the app where they could not be shown, and say no longer why", async () => {
    const { page, give } = await settings({
      "option-list": () => Promise.reject(new Refusal("internal", "the disk is gone")),
    });
    answering(ANSWERS);
    give({ status: status({ desired: "stopped" }) });
    await settled();
    expect(input(page, "prune").element.value).toBe("550");
    expect(page.find("[role=alert]").exists()).toBe(false);
  });

  it("are those of the newest answer, even where an older one comes after it", async () => {
    const { page, give } = await settings();
    const late = new Later<OptionView[]>();
    answering({ ...ANSWERS, "option-list": () => late.promise });
    give({ status: status({ operation: "1" }) });
    await settled();
    answering({ ...ANSWERS, "option-list": () => [option({ name: "prune", value: 1000 })] });
    give({ status: status() });
    await settled();
    late.give(OPTIONS);
    await settled();
    expect(input(page, "prune").element.value).toBe("1000");
  });
});

describe("what is typed", () => {
  it("is held against what is in force before it is applied", async () => {
    const { page, asked } = await settings();
    await input(page, "prune").setValue("1000");
    expect(page.find("[role=status]").exists()).toBe(false);
    await typedOut();
    expect(paramsOf(asked, "config-preview")).toEqual([
      { app: "bitcoin-knots", options: { prune: "1000" }, reset: [] },
    ]);
    expect(page.get("[role=status]").text()).toContain("prune: 550 → 1000");
    expect(page.get("[role=status]").text()).toContain(words("app.restartsThem", { apps: "bitcoin-knots, electrumx" }));
    expect(paramsOf(asked, "container-config")).toEqual([]);
  });

  it("is asked about once it is typed to its end", async () => {
    const { page, asked } = await settings();
    for (const text of ["1", "10", "100"]) await input(page, "prune").setValue(text);
    await typedOut();
    expect(paramsOf(asked, "config-preview")).toMatchObject([{ options: { prune: "100" } }]);
  });

  it("is not shown by an answer to what was typed before", async () => {
    const late = new Later<ConfigPreview>();
    const { page } = await settings({ "config-preview": () => late.promise });
    await input(page, "prune").setValue("1000");
    await typedOut();
    await input(page, "prune").setValue("2000");
    late.give(FOUND);
    await settled();
    expect(page.find("[role=status]").exists()).toBe(false);
  });

  it("is held against it once, as long as it is the same", async () => {
    const { page, give, asked } = await settings();
    await input(page, "prune").setValue("1000");
    await typedOut();
    give({ status: status({ operation: "1" }) });
    await settled();
    expect(page.find("[role=status]").exists()).toBe(true);
    await typedOut();
    expect(paramsOf(asked, "option-list")).toHaveLength(2);
    expect(paramsOf(asked, "config-preview")).toHaveLength(1);
  });

  it("is no change where it is what is in force", async () => {
    const { page, asked } = await settings();
    expect(isOff(apply(page))).toBe(true);
    await input(page, "prune").setValue("1000");
    expect(isOff(apply(page))).toBe(false);
    await input(page, "prune").setValue("550");
    await typedOut();
    expect(isOff(apply(page))).toBe(true);
    expect(paramsOf(asked, "config-preview")).toEqual([]);
  });

  it("is told at its field where the node finds it wrong", async () => {
    const { page } = await settings({
      "config-preview": () => Promise.reject(wrong("prune", "5 is too little", "0 or at least 550")),
    });
    await input(page, "prune").setValue("5");
    await typedOut();
    expect(page.get("#option-prune-problem").text()).toBe("5 is too little; 0 or at least 550");
    expect(input(page, "prune").attributes("aria-describedby")).toContain("option-prune-problem");
    expect(page.find("#option-chain-problem").exists()).toBe(false);
    await input(page, "prune").setValue("600");
    expect(page.find("#option-prune-problem").exists()).toBe(false);
  });

  it("is gone once it is discarded", async () => {
    const { page } = await settings();
    expect(button(page, words("app.discard"))).toBeUndefined();
    await input(page, "prune").setValue("1000");
    await choose(page, "signet");
    await typedOut();
    await button(page, words("app.discard"))?.trigger("click");
    expect([input(page, "prune").element.value, input(page, "chain").text()]).toEqual(["550", "mainnet"]);
    expect(page.find("[role=status]").exists()).toBe(false);
    expect(isOff(apply(page))).toBe(true);
  });

  it("is not lost without a question, by leaving the page or the tab", async () => {
    const { page, router } = await settings();
    await input(page, "prune").setValue("1000");
    for (const wanted of ["/system", "/logs"]) {
      await answered(router.push(wanted), false);
      expect(router.currentRoute.value.fullPath).toBe("/");
    }
    await answered(router.push({ name: "system" }), true);
    expect(router.currentRoute.value.name).toBe("system");
  });

  it("is not lost without a question by closing the browser, either", async () => {
    const { page, router } = await settings();
    const leave = () => !window.dispatchEvent(new Event("beforeunload", { cancelable: true }));
    expect(leave()).toBe(false);
    await input(page, "prune").setValue("1000");
    expect(leave()).toBe(true);
    await answered(router.push({ name: "system" }), true);
    await settled();
    expect(leave()).toBe(false);
  });

  it("raises no question where one goes to another place of the same page", async () => {
    const { page, router } = await settings();
    await input(page, "prune").setValue("1000");
    await router.push("/#content");
    expect(useUnsaved().asked).toBe(false);
    expect(router.currentRoute.value.hash).toBe("#content");
  });

  it("raises no question where nothing was typed", async () => {
    const { router } = await settings();
    await router.push({ name: "system" });
    expect(useUnsaved().asked).toBe(false);
  });
});

describe("a setting that goes back to its default", () => {
  it("shows it, and is part of the change", async () => {
    const { page, asked } = await settings();
    await button(page, words("app.reset", { value: 0 }))?.trigger("click");
    expect(input(page, "prune").element.value).toBe("0");
    await typedOut();
    expect(paramsOf(asked, "config-preview")).toEqual([{ app: "bitcoin-knots", options: {}, reset: ["prune"] }]);
  });

  it("does not go back where something is typed instead", async () => {
    const { page, asked } = await settings();
    await button(page, words("app.reset", { value: 0 }))?.trigger("click");
    await input(page, "prune").setValue("1000");
    await typedOut();
    expect(paramsOf(asked, "config-preview")).toEqual([
      { app: "bitcoin-knots", options: { prune: "1000" }, reset: [] },
    ]);
  });
});

describe("what is applied", () => {
  it("is only what was changed, and is typed no longer then", async () => {
    const { page, asked } = await settings();
    await input(page, "prune").setValue("1000");
    await choose(page, "signet");
    await page.get("form").trigger("submit");
    await settled();
    expect(paramsOf(asked, "container-config")).toEqual([
      { app: "bitcoin-knots", options: { prune: "1000", chain: "signet" }, reset: [], agreed: AGREED, plan: "d2" },
    ]);
    expect(button(page, words("app.discard"))).toBeUndefined();
  });

  it("stays typed where the node refuses it, which says why at the field", async () => {
    const { page } = await settings({ "container-config": () => Promise.reject(wrong("prune", "too little", null)) });
    await input(page, "prune").setValue("5");
    await page.get("form").trigger("submit");
    await settled();
    expect(page.findAll("[role=alert]").map((one) => one.text())).toEqual(["too little"]);
    expect(page.get("#option-prune-problem").text()).toBe("too little");
    expect(input(page, "prune").element.value).toBe("5");
    expect(isOff(apply(page))).toBe(false);
  });

  it.each<[string, Parameters<typeof status>[0]]>([
    ["something else of the app changes", { desired: "stopped" }],
    ["something is done with the app", { operation: "1" }],
  ])("goes on saying why it was refused where %s", async (_, own) => {
    const { page, give } = await settings({
      "container-config": () => Promise.reject(wrong("prune", "too little", null)),
    });
    await input(page, "prune").setValue("5");
    await page.get("form").trigger("submit");
    await typedOut();
    give({ status: status(own) });
    await typedOut();
    expect(page.findAll("[role=alert]").map((one) => one.text())).toEqual(["too little"]);
    expect(page.get("#option-prune-problem").text()).toBe("too little");
  });

  it("is applied once, however often the button is pressed", async () => {
    const late = new Later<Operation>();
    const { page } = await settings({ "container-config": () => late.promise });
    await input(page, "prune").setValue("1000");
    await page.get("form").trigger("submit");
    expect(isOff(apply(page))).toBe(true);
    late.give(operation());
  });

  it("is not typed over before the node has answered", async () => {
    const late = new Later<Operation>();
    const { page } = await settings({ "container-config": () => late.promise });
    await input(page, "prune").setValue("1000");
    await page.get("form").trigger("submit");
    const fields = () => ["prune", "chain"].map((name) => isOff(input(page, name)));
    expect(fields()).toEqual([true, true]);
    late.give(operation());
    await settled();
    expect(fields()).toEqual([false, false]);
  });

  it("waits for what is done with the app already", async () => {
    const { page, give } = await settings();
    await input(page, "prune").setValue("1000");
    give({ status: status({ operation: "1" }) });
    await settled();
    expect(isOff(apply(page))).toBe(true);
    expect(input(page, "prune").element.value).toBe("1000");
  });
});

describe("earlier settings", () => {
  it("are all but the newest, and come back at the press of a button", async () => {
    const { page, asked } = await settings({ "config-rollback": () => operation() });
    await button(page, words("app.rollback"))?.trigger("click");
    await settled();
    expect(paramsOf(asked, "config-rollback")).toEqual([
      { app: "bitcoin-knots", number: 1, agreed: AGREED, plan: "d2" },
    ]);
  });
});

describe("another app", () => {
  it("has settings of its own; what was typed for the first does not become the second's", async () => {
    const { page, give, asked } = await settings();
    await input(page, "prune").setValue("1000");
    give({ status: status({ app: "electrumx" }) });
    await typedOut();
    expect(paramsOf(asked, "option-list")).toEqual([{ app: "bitcoin-knots" }, { app: "electrumx" }]);
    expect(input(page, "prune").element.value).toBe("550");
    expect(paramsOf(asked, "config-preview")).toEqual([]);
  });
});
