import { mount } from "@vue/test-utils";
import { describe, expect, it } from "vitest";
import type { OptionView } from "../../src/api/types";
import BaseSelect from "../../src/design/components/BaseSelect.vue";
import OptionField from "../../src/components/OptionField.vue";
import { i18n } from "../../src/i18n";
import { option } from "../samples";
import { begin, words } from "./mounted";

type Own = Partial<{ modelValue: boolean | string; problem: string; disabled: boolean; resetting: boolean }>;

function field(one: Partial<OptionView>, own: Own = {}) {
  const props = { option: option(one), modelValue: "", disabled: false, resetting: false, ...own };
  begin();
  return mount(OptionField, { props, global: { plugins: [i18n] } });
}

describe("an option that is a number", () => {
  it.each([
    [{ minimum: 0, maximum: 9, unit: "GiB" }, "Prune (0 – 9 GiB)"],
    [{ minimum: 550, unit: "MiB" }, "Prune (≥ 550 MiB)"],
    [{ maximum: 8 }, "Prune (≤ 8)"],
    [{ unit: "s" }, "Prune (s)"],
    [{}, "Prune"],
  ])("shows its limits and its unit: %o", (limits, label) => {
    expect(field(limits).get("label").text()).toBe(label);
  });

  it("emits what is typed as text, which the node reads", async () => {
    const shown = field({}, { modelValue: "550" });
    const input = shown.get<HTMLInputElement>("input");
    expect(input.element.value).toBe("550");
    expect(input.attributes("inputmode")).toBe("numeric");
    await input.setValue("1e3");
    expect(shown.emitted("update:modelValue")).toEqual([["1e3"]]);
  });
});

describe("an option that is a text, a choice or a switch", () => {
  it("is the empty text where nothing was given", () => {
    expect(field({ kind: "string" }, { modelValue: "" }).get("input").element.value).toBe("");
  });

  it("emits the text, and has no limits", async () => {
    const shown = field({ kind: "string", minimum: 1 });
    expect(shown.get("label").text()).toBe("Prune");
    await shown.get("input").setValue(" a b ");
    expect(shown.emitted("update:modelValue")).toEqual([[" a b "]]);
  });

  it("emits the choice", async () => {
    const shown = field({ kind: "choice", choices: ["mainnet", "signet"] }, { modelValue: "mainnet" });
    const select = shown.getComponent(BaseSelect);
    expect(select.props()).toMatchObject({
      modelValue: "mainnet",
      choices: [
        { value: "mainnet", text: "mainnet" },
        { value: "signet", text: "signet" },
      ],
    });
    await select.setValue("signet");
    expect(shown.emitted("update:modelValue")).toEqual([["signet"]]);
  });

  it("emits whether the switch is on", async () => {
    const shown = field({ kind: "bool" }, { modelValue: true });
    const box = shown.get("[role=switch]");
    expect(box.attributes("aria-checked")).toBe("true");
    await box.trigger("click");
    expect(shown.emitted("update:modelValue")).toEqual([[false]]);
  });
});

describe.each(["int", "string", "choice", "bool"] as const)("who listens to an option (%s)", (kind) => {
  const control = "input, [role=combobox], [role=switch]";

  it("hears its name, its help and what is wrong with it", () => {
    const shown = field({ kind, help: "How much is kept" }, { problem: "too little" });
    const described = shown.get(control).attributes("aria-describedby")?.split(" ") ?? [];
    expect(described.map((id) => shown.get(`#${id}`).text())).toEqual(["How much is kept", "too little"]);
    const label = shown.get("label");
    expect(label.attributes("for") === shown.get(control).attributes("id") || label.find(control).exists()).toBe(true);
  });

  it("is pointed to nothing that is not there", () => {
    expect(field({ kind }).get(control).attributes("aria-describedby")).toBeUndefined();
    const troubled = field({ kind }, { problem: "no" }).get(control).attributes("aria-describedby");
    expect(troubled).toBe("option-prune-problem");
  });

  it("cannot change it where it is held", () => {
    expect(field({ kind }, { disabled: true }).get(control).attributes("disabled")).toBeDefined();
  });
});

describe("where a value comes from", () => {
  it("is told for what the owner set, which goes back at the press of a button", async () => {
    const shown = field({ set_by_owner: true, default: 0, value: 550 });
    expect(shown.text()).toContain(words("app.ownValue"));
    await shown.get("button").trigger("click");
    expect(shown.emitted("reset")).toHaveLength(1);
    expect(shown.get("button").text()).toBe(words("app.reset", { value: 0 }));
  });

  it("is told for what other apps need, which does not go back", () => {
    const shown = field({ set_by_owner: true, demanded_by: ["electrumx", "lnd"] });
    expect(shown.text()).toContain(words("app.demanded", { apps: "electrumx, lnd" }));
    expect(shown.find("button").exists()).toBe(false);
  });

  it("is not told twice: what goes back already does not go back once more", () => {
    expect(field({ set_by_owner: true }, { resetting: true }).get("button").attributes("disabled")).toBeDefined();
    expect(field({}).find("button").exists()).toBe(false);
  });
});

describe("a field with a mistake", () => {
  it("is marked as wrong, and no other is", () => {
    expect(field({}, { problem: "too little" }).get("input").attributes("aria-invalid")).toBe("true");
    expect(field({}).get("input").attributes("aria-invalid")).toBe("false");
  });
});
