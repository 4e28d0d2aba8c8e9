import { afterEach, describe, expect, it, vi } from "vitest";
import { nextTick } from "vue";
import Problem from "../../src/components/Problem.vue";
import { useAttempt } from "../../src/lib/attempt";
import { begin, mounted } from "./mounted";

afterEach(() => vi.restoreAllMocks());

async function shown() {
  begin();
  const scroll = vi.spyOn(Element.prototype, "scrollIntoView").mockImplementation(() => undefined);
  const made = await mounted(Problem, { error: undefined as unknown });
  return { ...made, scroll };
}

describe("a problem", () => {
  it("comes into sight where it answers what the owner has done", async () => {
    const { page, give, scroll } = await shown();
    const { error, attempt } = useAttempt();
    await attempt(() => Promise.reject(new Error("the port is taken")));
    give({ error: error.value });
    await nextTick();
    await nextTick();
    expect(page.text()).toContain("the port is taken");
    expect(scroll).toHaveBeenCalledOnce();
    expect(scroll.mock.instances[0]).toBe(page.get("[role=alert]").element);
  });

  it("moves nothing where the page has only asked by itself", async () => {
    const { page, give, scroll } = await shown();
    give({ error: new Error("the node is away") });
    await nextTick();
    await nextTick();
    expect(page.text()).toContain("the node is away");
    expect(scroll).not.toHaveBeenCalled();
  });
});
