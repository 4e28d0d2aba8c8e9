import { mount } from "@vue/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { defineComponent, h, toHandlers } from "vue";
import { useLongTouch } from "../../src/lib/longTouch";

const LONG = 600;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Shows something that a finger can touch. */
function touched() {
  const asked = vi.fn();
  const page = mount(
    defineComponent(() => {
      const listeners = toHandlers(useLongTouch(asked));
      return () => h("a", listeners, "pin");
    }),
  );
  const touch = (kind: string, x = 0, y = 0): Event => {
    const event = new Event(kind, { bubbles: true, cancelable: true });
    page.element.dispatchEvent(Object.assign(event, { touches: [{ clientX: x, clientY: y }] }));
    return event;
  };
  return { asked, page, touch };
}

it("asks once a finger has rested, and swallows the click that ends the touch, and no other", () => {
  const { asked, page, touch } = touched();
  touch("touchstart", 10, 20);
  touch("touchmove", 14, 22);
  vi.advanceTimersByTime(LONG);
  expect(asked.mock.calls).toEqual([[{ x: 10, y: 20 }, page.element]]);
  touch("touchend");
  expect(touch("click").defaultPrevented).toBe(true);
  expect(touch("click").defaultPrevented).toBe(false);
});

it.each(["touchmove", "touchend", "touchcancel", "contextmenu"])("does not ask where a %s comes before", (kind) => {
  const { asked, touch } = touched();
  touch("touchstart", 10, 20);
  touch(kind, 10, 60);
  vi.advanceTimersByTime(LONG);
  expect(asked).not.toHaveBeenCalled();
  expect(touch("click").defaultPrevented).toBe(false);
});

it("does not ask for what is gone by then", () => {
  const { asked, page, touch } = touched();
  touch("touchstart", 10, 20);
  page.unmount();
  vi.advanceTimersByTime(LONG);
  expect(asked).not.toHaveBeenCalled();
});
