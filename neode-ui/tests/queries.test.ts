import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { effectScope, nextTick, ref, type EffectScope } from "vue";
import { askAgain, forgetAnswers, queries, renew, useNode } from "../src/api/queries";
import type { SystemInfo } from "../src/api/types";
import { status, system } from "./samples";
import { answering, hide, Later, paramsOf, Refusal, standInSocket } from "./standIn";

const EVERY = 10_000;
const host = (name: string): SystemInfo => ({ ...system(), version: name });
let page: EffectScope;

beforeEach(() => {
  vi.useFakeTimers();
  standInSocket();
  page = effectScope();
});
afterEach(() => {
  page.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settled = () => vi.advanceTimersByTimeAsync(0);

/** Asks a question whose answers come when a test says so, one for each time that it is asked. */
function question() {
  const answers: Later<SystemInfo>[] = [];
  answering({ "system-info": () => (answers.push(new Later()), (answers.at(-1) as Later<SystemInfo>).promise) });
  const answer = page.run(() => useNode("system-info", {}, { every: EVERY }))!;
  const give = async (name: string): Promise<void> => {
    answers.at(-1)?.give(host(name));
    await settled();
  };
  const refuse = async (): Promise<void> => {
    answers.at(-1)?.refuse(new Refusal("internal"));
    await settled();
  };
  return { ...answer, answers, give, refuse, name: () => answer.found.value?.version };
}

describe("an answer", () => {
  it("is found once it comes", async () => {
    const { name, failure, give } = question();
    expect(name()).toBeUndefined();
    await give("first");
    expect(name()).toBe("first");
    expect(failure.value).toBeUndefined();
  });

  it("stays until a newer one comes", async () => {
    const { name, look, give } = question();
    await give("first");
    void look();
    expect(name()).toBe("first");
    await give("second");
    expect(name()).toBe("second");
  });

  it("is found though it is to be asked again already, and the newest in the end, with one question at a time", async () => {
    const { name, look, give, answers } = question();
    const done = vi.fn();
    for (let times = 0; times < 3; times += 1) void look().then(done);
    expect(answers).toHaveLength(1);
    await give("first");
    expect(name()).toBe("first");
    expect(done).not.toHaveBeenCalled();
    expect(answers).toHaveLength(2);
    await give("second");
    expect(name()).toBe("second");
    expect(done).toHaveBeenCalledTimes(3);
    expect(answers).toHaveLength(2);
  });

  it("is that of what is asked now, and not of what was asked before", async () => {
    const apps = { knots: new Later(), lnd: new Later() } as Record<string, Later<ReturnType<typeof status>>>;
    answering({ "container-status": ({ app }) => apps[app]!.promise });
    const app = ref("knots");
    const { found } = page.run(() => useNode("container-status", () => ({ app: app.value })))!;
    app.value = "lnd";
    await nextTick();
    apps.lnd!.give(status({ app: "lnd" }));
    await settled();
    apps.knots!.give(status({ app: "knots" }));
    await settled();
    expect(found.value?.app).toBe("lnd");
  });

  it("is asked for again while the page is in sight", async () => {
    const { answers, give } = question();
    await give("first");
    await vi.advanceTimersByTimeAsync(EVERY);
    expect(answers).toHaveLength(2);
    await give("second");
    hide();
    await vi.advanceTimersByTimeAsync(10 * EVERY);
    expect(answers).toHaveLength(2);
  });
});

describe("a question that fails", () => {
  async function failed() {
    const asked = question();
    await asked.give("first");
    void asked.look();
    await asked.refuse();
    return asked;
  }

  it("says why, throws nothing, and keeps what was found before", async () => {
    const { name, failure, look, refuse } = await failed();
    expect(failure.value).toMatchObject({ name: "internal" });
    expect(name()).toBe("first");
    const again = look();
    await refuse();
    await expect(again).resolves.toBeUndefined();
  });

  it.each([
    ["with an answer before it", failed] as const,
    [
      "the first time",
      async () => {
        const asked = question();
        await asked.refuse();
        return asked;
      },
    ] as const,
  ])("has failed until an answer comes, not only until it is asked again: %s", async (_, ask) => {
    const { name, failure, look, give } = await ask();
    expect(failure.value).toBeDefined();
    void look();
    expect(failure.value).toBeDefined();
    await give("third");
    expect(failure.value).toBeUndefined();
    expect(name()).toBe("third");
  });

  it("is forgotten along with what was found", async () => {
    const { name, failure, forget } = await failed();
    forget();
    expect([name(), failure.value]).toEqual([undefined, undefined]);
  });
});

describe("a question that is forgotten", () => {
  it("finds nothing any more", async () => {
    const { name, forget, give } = question();
    forget();
    await give("of before");
    expect(name()).toBeUndefined();
  });

  it("does not fail any more", async () => {
    const { failure, forget, refuse } = question();
    forget();
    await refuse();
    expect(failure.value).toBeUndefined();
  });

  it("is asked anew as if for the first time", async () => {
    const { name, look, forget, give, answers } = question();
    forget();
    void look();
    await give("of after");
    answers[0]?.give(host("of before"));
    await settled();
    expect(name()).toBe("of after");
  });
});

describe("an event", () => {
  async function shown(own = {}) {
    const asked = answering({
      "container-status": () => status(),
      "health-history": () => [],
      "system-info": () => system(),
      ...own,
    });
    page.run(() => {
      useNode("container-status", { app: "knots" });
      useNode("health-history", { app: "lnd", limit: 1 });
      useNode("system-info", {});
    });
    await settled();
    return asked.splice(0) && asked;
  }

  it.each([
    ["knots", ["container-status"]],
    ["lnd", ["health-history"]],
    [null, ["container-status", "health-history"]],
  ])("of %s has asked again what it may have changed, and nothing else", async (app, methods) => {
    const asked = await shown();
    renew(app);
    await settled();
    expect(asked.map((one) => one.method)).toEqual(methods);
  });

  it("has asked again what failed", async () => {
    const asked = await shown({ "system-info": () => Promise.reject(new Refusal("internal")) });
    renew("electrumx");
    await settled();
    expect(asked.map((one) => one.method)).toEqual(["system-info"]);
  });

  it("asks nothing in a tab behind others before somebody looks", async () => {
    const asked = await shown();
    hide();
    renew("knots");
    await settled();
    expect(asked).toEqual([]);
    queries.mount();
    vi.stubGlobal("document", { hidden: false, visibilityState: "visible" });
    for (const one of queries.getQueryCache().getAll()) one.onFocus();
    await settled();
    expect(paramsOf(asked, "container-status")).toHaveLength(1);
    queries.unmount();
  });
});

describe("a node that is back", () => {
  it("is asked again for what nobody will answer any more", async () => {
    const { answers, name, give } = question();
    void askAgain();
    await settled();
    expect(answers).toHaveLength(2);
    await give("after");
    answers[0]?.give(host("before"));
    await settled();
    expect(name()).toBe("after");
  });
});

describe("whoever logs in next", () => {
  it("sees nothing of what was answered before, and of what comes late", async () => {
    const { name, look, give } = question();
    await give("of another");
    void look();
    forgetAnswers();
    expect(name()).toBeUndefined();
    await give("late");
    expect(name()).toBeUndefined();
  });
});
