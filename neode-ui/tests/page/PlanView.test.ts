import { mount, type DOMWrapper, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { createMemoryHistory, createRouter, RouterView } from "vue-router";
import { connected } from "../../src/api/live";
import type { Plan } from "../../src/api/types";
import { i18n } from "../../src/i18n";
import { useContainers } from "../../src/stores/container";
import { useSession } from "../../src/stores/session";
import PlanView from "../../src/views/PlanView.vue";
import { begin, button, words } from "./mounted";
import { entry, operation, option, plan, planned as app } from "../samples";
import { answering, Later, paramsOf, Refusal, type Answers } from "../standIn";

const PLAN = plan();
const OPTIONS = [
  option({ name: "cache", label: "Cache", advanced: true, default: 450, value: 450 }),
  option({ name: "prune", label: "Prune", default: 0, value: 0 }),
  option({ name: "index", kind: "bool", label: "Index", default: false, value: false }),
];
const ANSWERS: Answers = {
  "catalog-list": () => [entry({ app: "electrumx" })],
  "option-list": () => OPTIONS,
  plan: () => PLAN,
  "container-install": () => operation({ kind: "install", app: "electrumx" }),
  "container-list": () => [],
  "operation-list": () => [],
};

beforeEach(() => {
  vi.useFakeTimers();
  history.replaceState(null, "");
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const settled = () => vi.advanceTimersByTimeAsync(0);
/** As long as the page waits for somebody to end typing. */
const typedOut = () => vi.advanceTimersByTimeAsync(300);
const wrong = (name: string) =>
  new Refusal("invalid_option", "wrong", {
    problems: [{ option: name, message: "too small", expected: "at least 0" }],
  });

async function planned(own: Answers = {}, query = "") {
  begin("manage");
  const asked = answering({ ...ANSWERS, ...own });
  const router = createRouter({
    history: createMemoryHistory(),
    routes: ["store", "app", "help"].map((name) => ({
      path: `/${name}/:${name === "help" ? "page" : "app"}?`,
      name,
      component: name === "store" ? PlanView : { render: () => null },
    })),
  });
  await router.push(`/store/electrumx${query}`);
  const page = mount(RouterView, { attachTo: document.body, global: { plugins: [router, i18n] } });
  onTestFinished(() => page.unmount());
  await settled();
  return { page, asked };
}

const install = (page: VueWrapper) => button(page, words("plan.install")) as DOMWrapper<Element>;
const isOff = (one: DOMWrapper<Element>) =>
  one.attributes("disabled") !== undefined || one.attributes("aria-disabled") === "true";
const installed = (asked: Parameters<typeof paramsOf>[0]) =>
  paramsOf(asked, "container-install").map((one) => one.options);
const plans = (asked: Parameters<typeof paramsOf>[0]) => paramsOf(asked, "plan").map((one) => one.options);

describe("what gets installed", () => {
  it("is shown with what its volumes hold, and the way back of what is updated", async () => {
    const apps = [app("electrumx", "install"), { ...app("tor", "update"), way_back: "no" as const }];
    const data = { electrumx: { index: "rebuildable" as const, keys: "files" as const } };
    const { page } = await planned({ plan: () => plan({ apps, asks: { ...PLAN.asks, data } }) });
    await settled();
    const volumes = `index (${words("data.class.rebuildable")}), keys (${words("data.class.files")})`;
    expect(page.text()).toContain(words("plan.data", { volumes }));
    expect(page.text()).toContain(words("wayBack.no"));
  });
});

describe("an installation that was under way", () => {
  it("can be begun again once it was cancelled", async () => {
    let there = true;
    const coming = operation({ id: "7", kind: "install", app: "electrumx", state: "running" });
    const { page } = await planned({
      "catalog-list": () => [entry({ app: "electrumx", installed: there ? "1.0" : null })],
    });
    const store = useContainers();
    store.operations = [coming];
    await settled();
    expect(button(page, words("plan.install"))).toBeUndefined();
    there = false;
    store.operations = [{ ...coming, state: "cancelled" }];
    await typedOut();
    expect(button(page, words("plan.install"))).toBeDefined();
  });
});

describe("settings ahead of an installation", () => {
  it("are those that are proposed, until the owner changes one", async () => {
    const { page, asked } = await planned();
    expect(plans(asked)).toEqual([{}]);
    expect(page.findAll("input, [role=switch]").map((one) => one.attributes("id"))).toEqual([
      "option-prune",
      "option-index",
      "option-cache",
    ]);
    await page.get("#option-prune").setValue("550");
    await page.get("#option-index").trigger("click");
    await typedOut();
    expect(plans(asked)).toEqual([{}, { prune: "550", index: true }]);
    await install(page).trigger("click");
    await settled();
    expect(installed(asked)).toEqual([{ prune: "550", index: true }]);
    expect(paramsOf(asked, "container-install").map((one) => one.plan)).toEqual(["d1"]);
  });

  it("are no longer the owner's once they are as proposed again", async () => {
    const { page, asked } = await planned();
    await page.get("#option-prune").setValue("550");
    await typedOut();
    await button(page, words("app.reset", { value: "0" }))?.trigger("click");
    await typedOut();
    expect(plans(asked)).toEqual([{}, { prune: "550" }, {}]);
  });

  it("are those that another page proposes", async () => {
    const { page, asked } = await planned({}, "?prune=550&index=true");
    expect(plans(asked)).toEqual([{ prune: "550", index: "true" }]);
    expect(page.get<HTMLInputElement>("#option-prune").element.value).toBe("550");
    expect(page.get("#option-index").attributes("aria-checked")).toBe("true");
  });

  it("install nothing while the plan is not yet theirs", async () => {
    const later = new Later<Plan>();
    let answer: () => Plan | Promise<Plan> = () => PLAN;
    const { page } = await planned({ plan: () => answer() });
    expect(isOff(install(page))).toBe(false);
    answer = () => later.promise;
    await page.get("#option-prune").setValue("550");
    expect(isOff(install(page))).toBe(true);
    await typedOut();
    expect(isOff(install(page))).toBe(true);
    later.give(PLAN);
    await settled();
    expect(isOff(install(page))).toBe(false);
  });

  it("say at the field what is wrong, and install nothing", async () => {
    let refuse = false;
    const { page } = await planned({ plan: () => (refuse ? Promise.reject(wrong("prune")) : PLAN) });
    refuse = true;
    await page.get("#option-prune").setValue("-1");
    await typedOut();
    expect(page.findAll("[role=alert]").map((one) => one.text())).toEqual(["too small; at least 0"]);
    expect(isOff(install(page))).toBe(true);
    refuse = false;
    await page.get("#option-prune").setValue("1");
    await typedOut();
    expect(page.findAll("[role=alert]")).toEqual([]);
    expect(isOff(install(page))).toBe(false);
  });

  it("are shown with what is wrong where another page proposed it", async () => {
    const { page } = await planned({ plan: () => Promise.reject(wrong("prune")) }, "?prune=-1");
    expect(page.get("#option-prune-problem").text()).toBe("too small; at least 0");
    expect(page.get("#option-prune").isVisible()).toBe(true);
    expect(button(page, words("plan.install"))).toBeUndefined();
  });

  it("are the last ones, whichever plan comes last", async () => {
    const slow = new Later<Plan>();
    const { page } = await planned({ plan: ({ options }) => (options?.prune === "1" ? slow.promise : PLAN) });
    await page.get("#option-prune").setValue("1");
    await typedOut();
    await page.get("#option-prune").setValue("2");
    await typedOut();
    expect(isOff(install(page))).toBe(false);
    slow.refuse(wrong("prune"));
    await settled();
    expect(page.findAll("[role=alert]")).toEqual([]);
    expect(isOff(install(page))).toBe(false);
  });

  it("are not those of a plan that comes while the owner types on", async () => {
    const first = new Later<Plan>();
    const { page, asked } = await planned({ plan: ({ options }) => (options?.prune === "1" ? first.promise : PLAN) });
    await page.get("#option-prune").setValue("1");
    await typedOut();
    await page.get("#option-prune").setValue("2");
    first.give(PLAN);
    await settled();
    expect(isOff(install(page))).toBe(true);
    await install(page).trigger("click");
    await typedOut();
    expect(installed(asked)).toEqual([]);
    expect(isOff(install(page))).toBe(false);
  });

  it("stand still while the installation is asked for, and why it is refused stays to be read", async () => {
    const later = new Later<never>();
    const { page, asked } = await planned({ "container-install": () => later.promise });
    await install(page).trigger("click");
    await settled();
    expect(page.get("#option-prune").attributes("disabled")).toBeDefined();
    await install(page).trigger("click");
    later.refuse(new Refusal("busy", "something else is under way"));
    await settled();
    await typedOut();
    expect(page.get("[role=alert]").text()).toContain("something else is under way");
    expect(installed(asked)).toEqual([{}]);
  });

  it("are still there after the page was loaded again", async () => {
    const { page } = await planned();
    await page.get("#option-prune").setValue("550");
    await typedOut();
    page.unmount();
    const { page: again, asked } = await planned();
    expect(plans(asked)).toEqual([{ prune: "550" }]);
    expect(again.get<HTMLInputElement>("#option-prune").element.value).toBe("550");
  });
});

describe("a plan that could not be had", () => {
  const away = () => Promise.reject(new Refusal("internal", "the disk is gone"));

  /** A plan that was there, and could not be had after a change of a setting; it can be had again. */
  async function missed() {
    connected.value = true;
    let answer: () => Plan | Promise<Plan> = () => PLAN;
    const { page } = await planned({ plan: () => answer() });
    answer = away;
    await page.get("#option-prune").setValue("550");
    await typedOut();
    expect(page.get("[role=alert]").text()).toContain("the disk is gone");
    answer = () => PLAN;
    return page;
  }

  it("is asked for again when the node is there again", async () => {
    const page = await missed();
    connected.value = false;
    await settled();
    expect(isOff(install(page))).toBe(true);
    connected.value = true;
    await settled();
    expect(isOff(install(page))).toBe(false);
    expect(page.findAll("[role=alert]")).toEqual([]);
  });

  it("is asked for again once the owner has logged in again", async () => {
    const page = await missed();
    useSession().expired = true;
    await settled();
    expect(isOff(install(page))).toBe(true);
    useSession().expired = false;
    await settled();
    expect(isOff(install(page))).toBe(false);
  });

  it("is asked for again by the owner", async () => {
    let answer: () => Plan | Promise<Plan> = away;
    const { page } = await planned({ plan: () => answer() });
    expect(button(page, words("plan.install"))).toBeUndefined();
    answer = () => PLAN;
    await button(page, words("operations.retry"))?.trigger("click");
    await settled();
    expect(isOff(install(page))).toBe(false);
    expect(button(page, words("operations.retry"))).toBeUndefined();
  });
});
