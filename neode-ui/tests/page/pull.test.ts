import { expect, it, vi } from "vitest";
import { mount } from "@vue/test-utils";
import { defineComponent, h } from "vue";
import { usePull } from "../../src/lib/pull";

function touch(kind: string, x: number, y: number, on: EventTarget = document.body): void {
  const event = new Event(kind, { bubbles: true });
  Object.assign(event, { touches: kind === "touchend" ? [] : [{ clientX: x, clientY: y }] });
  on.dispatchEvent(event);
}

function pulling(...points: Array<[number, number]>): void {
  const [first = [0, 0], ...others] = points;
  touch("touchstart", ...first);
  for (const point of others) touch("touchmove", ...point);
  touch("touchend", 0, 0);
}

it("works when the page is pulled far enough down, and not when it is swiped or scrolled", async () => {
  const work = vi.fn(() => Promise.resolve());
  const page = mount(
    defineComponent(() => {
      usePull(work);
      return () => h("p", "page");
    }),
    { attachTo: document.body },
  );
  pulling([10, 10], [10, 80]);
  expect(work).not.toHaveBeenCalled();
  pulling([10, 10], [200, 60], [10, 300]);
  expect(work).not.toHaveBeenCalled();
  pulling([10, 10], [12, 200]);
  expect(work).toHaveBeenCalledTimes(1);
  await Promise.resolve();
  const dialog = document.body.appendChild(document.createElement("div"));
  dialog.setAttribute("role", "dialog");
  touch("touchstart", 10, 10, dialog);
  touch("touchmove", 10, 300, dialog);
  touch("touchend", 0, 0, dialog);
  expect(work).toHaveBeenCalledTimes(1);
  page.unmount();
  dialog.remove();
});
