import { flushPromises } from "@vue/test-utils";
import { describe, expect, it } from "vitest";
import { defineComponent, h, ref } from "vue";
import { useGiveBack } from "../../src/design/giveBack";
import { useAttempt } from "../../src/lib/attempt";
import { Later } from "../standIn";
import { begin, mounted } from "./mounted";

describe("what is pressed and cannot be pressed again for a while", () => {
  async function pressed() {
    begin();
    const work = new Later<void>();
    const { page } = await mounted(
      defineComponent(() => {
        const { busy, attempt } = useAttempt();
        return () =>
          h("p", [h("button", { disabled: busy.value, onClick: () => attempt(() => work.promise) }), h("input")]);
      }),
      {},
    );
    const button = page.get("button").element as HTMLButtonElement;
    button.focus();
    button.click();
    await flushPromises();
    button.blur(); // as browsers do with what is disabled
    return { page, work, button };
  }

  it("has the focus again afterwards", async () => {
    const { work, button } = await pressed();
    work.give();
    await flushPromises();
    expect(document.activeElement).toBe(button);
  });

  it("takes it from nothing that has got it meanwhile", async () => {
    const { page, work } = await pressed();
    const field = page.get("input").element;
    field.focus();
    work.give();
    await flushPromises();
    expect(document.activeElement).toBe(field);
  });
});

describe("the focus after a dialog", () => {
  function closed(move: () => void): boolean {
    const open = ref(true);
    const giveBack = useGiveBack(open);
    move();
    const event = new Event("close", { cancelable: true });
    giveBack(event);
    return event.defaultPrevented;
  }

  it("is given back to its button, but not where a link has led to another page", () => {
    expect(closed(() => {})).toBe(false);
    expect(closed(() => history.pushState({}, "", "/elsewhere"))).toBe(true);
  });
});
