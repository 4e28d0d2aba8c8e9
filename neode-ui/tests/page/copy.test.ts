import { mount } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineComponent } from "vue";
import { useCopy } from "../../src/lib/copy";

const write = vi.fn(async (_: string) => {});

beforeEach(() => {
  vi.useFakeTimers();
  write.mockReset();
  vi.spyOn(navigator, "clipboard", "get").mockReturnValue({ writeText: write } as unknown as Clipboard);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Shows a page at which texts are copied. */
function copying() {
  const page = mount(defineComponent({ setup: useCopy, render: () => null }));
  return { page, copied: () => page.vm.copied, copy: (text: string) => page.vm.copy(text) };
}

describe("a text that is copied", () => {
  it("is said to be, for a moment", async () => {
    const { copied, copy } = copying();
    expect(copied()).toBe("");
    await copy("an address");
    expect(write.mock.calls).toEqual([["an address"]]);
    expect(copied()).toBe("an address");
    await vi.advanceTimersByTimeAsync(2_900);
    expect(copied()).toBe("an address");
    await vi.advanceTimersByTimeAsync(200);
    expect(copied()).toBe("");
  });

  it("is said to be as long as any other, where another was copied just before", async () => {
    const { copied, copy } = copying();
    await copy("an address");
    await vi.advanceTimersByTimeAsync(2_000);
    await copy("another");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(copied()).toBe("another");
  });

  it("is not said to be before it is, or where the browser does not allow it", async () => {
    const { copied, copy } = copying();
    write.mockRejectedValue(new DOMException("no", "NotAllowedError"));
    const work = copy("an address");
    expect(copied()).toBe("");
    await expect(work).rejects.toThrow("no");
    expect(copied()).toBe("");
  });

  it("leaves nothing behind when the page goes", async () => {
    const { page, copy } = copying();
    await copy("an address");
    page.unmount();
    expect(vi.getTimerCount()).toBe(0);
  });
});
