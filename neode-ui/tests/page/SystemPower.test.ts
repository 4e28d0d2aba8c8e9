import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connected } from "../../src/api/live";
import type { PowerAction } from "../../src/api/types";
import SystemPower from "../../src/components/SystemPower.vue";
import { useContainers } from "../../src/stores/container";
import { begin, button, mounted, words } from "./mounted";
import { system } from "../samples";
import { answering, Refusal } from "../standIn";

beforeEach(() => void (connected.value = false));
afterEach(() => {
  connected.value = false;
  vi.unstubAllGlobals();
});

async function power(...actions: PowerAction[]): Promise<VueWrapper> {
  begin("administer");
  useContainers().system = system({ power: actions });
  return (await mounted(SystemPower, {})).page;
}

/** The dialog lies above the page. */
const dialog = () => document.querySelector<HTMLElement>("[role=alertdialog]");

async function press(text: string): Promise<void> {
  const found = [...(dialog()?.querySelectorAll("button") ?? [])].find((each) => each.textContent === text);
  if (!found) throw new Error(`no button says ${text}`);
  found.click();
  await flushPromises();
}

async function ask(page: VueWrapper, text: string): Promise<void> {
  await button(page, text)?.trigger("click");
  await flushPromises();
}

describe("the node's end", () => {
  it("is not spoken of before it is known what whoever started the node carries out", async () => {
    begin("administer");
    const { page } = await mounted(SystemPower, {});
    expect(page.text()).toBe(words("power.title"));
  });

  it("is offered as far as whoever started it carries it out", async () => {
    const page = await power("restart", "stop");
    expect(page.findAll("button").map((one) => one.text())).toEqual([
      words("power.do.restart"),
      words("power.do.stop"),
    ]);
    expect(page.text()).toContain(words("power.notHere"));
    const machine = await power("restart", "stop", "reboot", "power-off");
    expect(machine.findAll("button")).toHaveLength(4);
    expect(machine.text()).not.toContain(words("power.notHere"));
  });

  it("asks first, and does nothing where the answer is no", async () => {
    const page = await power("restart", "stop");
    const asked = answering({ "system-power": () => null });
    expect(dialog()).toBeNull();
    await ask(page, words("power.do.stop"));
    expect(dialog()?.textContent).toContain(`${words("power.do.stop")}?`);
    expect(dialog()?.textContent).toContain(words("power.text.stop"));
    await press(words("common.cancel"));
    expect(dialog()).toBeNull();
    expect(asked).toEqual([]);
  });

  it("is begun once it is confirmed, and then not asked for again", async () => {
    const page = await power("restart", "power-off");
    const asked = answering({ "system-power": () => null });
    await ask(page, words("power.do.power-off"));
    await press(words("power.do.power-off"));
    expect(asked).toEqual([{ method: "system-power", params: { action: "power-off" } }]);
    expect(dialog()).toBeNull();
    expect(page.get("[role=status]").text()).toContain(words("power.begun.power-off"));
    expect(page.findAll("button").every((one) => one.attributes("disabled") !== undefined)).toBe(true);
  });

  it("is over once the node is back", async () => {
    const page = await power("restart");
    answering({ "system-power": () => null });
    await ask(page, words("power.do.restart"));
    await press(words("power.do.restart"));
    connected.value = true;
    await flushPromises();
    expect(page.find("[role=status]").exists()).toBe(false);
    expect(button(page, words("power.do.restart"))?.attributes("disabled")).toBeUndefined();
  });

  it("is not begun where the node refuses, which says why", async () => {
    const page = await power("restart");
    answering({ "system-power": () => Promise.reject(new Refusal("busy", "an update is under way")) });
    await ask(page, words("power.do.restart"));
    await press(words("power.do.restart"));
    expect(page.get("[role=alert]").text()).toContain("an update is under way");
    expect(page.find("[role=status]").exists()).toBe(false);
    expect(button(page, words("power.do.restart"))?.attributes("disabled")).toBeUndefined();
  });
});
