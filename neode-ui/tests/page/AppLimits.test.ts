import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import AppLimits from "../../src/components/app/AppLimits.vue";
import { begin, button, mounted, openDialog, words } from "./mounted";
import { resources, status } from "../samples";
import { answering, paramsOf, Refusal } from "../standIn";
import { until } from "../until";

afterEach(() => vi.unstubAllGlobals());

const GIB = 2 ** 30;
const OWN = { memory: null, cpu: null, cpu_weight: null, io_weight: 50, pids: null, disk: null };
const STATUS = status({});

async function limits(change: () => never | ReturnType<typeof resources>) {
  const app = resources({ app: STATUS.app, memory_used: GIB / 2, io_weight: 50, own: OWN });
  const asked = answering({
    "system-resources": () => ({ memory: 8 * GIB, cores: 4, apps: [app], memory_of_node: 0, paused: [], pause_order: [], not_enforced: [] }), // prettier-ignore
    "container-limits": change,
  });
  const { page } = await mounted(AppLimits, { status: STATUS });
  await flushPromises();
  return { page, asked };
}

const field = (name: string) => {
  const label = openDialog()!
    .findAll("label")
    .find((one) => one.text().startsWith(words(`limits.${name}`)));
  return openDialog()!.get(`[id="${label?.attributes("for")}"]`);
};

describe("the limits on an app's page", () => {
  it("stand beside what it takes now, and change at once", async () => {
    begin("manage");
    const { page, asked } = await limits(() => resources({}));
    expect(page.text()).toContain(words("limits.now", { amount: "512 MiB" }));
    expect(page.text()).toContain(words("app.ownValue"));
    await button(page, words("limits.change"))?.trigger("click");
    await until(() => expect(openDialog()).toBeDefined());
    expect(button(openDialog()!, words("app.apply"))?.attributes("disabled")).toBeDefined();
    await field("memory").setValue("99999");
    expect(openDialog()?.text()).toContain(words("limits.wrong", { range: "16 – 8,192 MiB" }));
    await field("memory").setValue("768");
    await button(openDialog()!, words("limits.reset"))?.trigger("click");
    expect(openDialog()?.text()).toContain(words("limits.goesBack"));
    await button(openDialog()!, words("app.apply"))?.trigger("click");
    await flushPromises();
    const changed = { app: STATUS.app, memory: 768 * 2 ** 20, reset: ["io_weight"] };
    expect(paramsOf(asked, "container-limits")).toEqual([changed]);
    expect(openDialog()).toBeUndefined();
    expect(paramsOf(asked, "system-resources").length).toBeGreaterThan(1);
  });

  it("that the node refuses stay as they are, and it is said why", async () => {
    begin("manage");
    const { page } = await limits(() => {
      throw new Refusal("still-needed", "Bitcoin Knots uses 512 MiB now: with less it would be killed");
    });
    await button(page, words("limits.change"))?.trigger("click");
    await until(() => expect(openDialog()).toBeDefined());
    await field("memory").setValue("64");
    await openDialog()!.get("form").trigger("submit");
    await flushPromises();
    expect(openDialog()?.text()).toContain("would be killed");
  });

  it("are only looked at by who may not change apps", async () => {
    begin();
    const { page } = await limits(() => resources({}));
    expect(page.text()).toContain("1 GiB");
    expect(page.find("button").exists()).toBe(false);
  });
});
