import { describe, expect, it } from "vitest";
import { useAttempt } from "../src/lib/attempt";
import { Later } from "./standIn";

describe("an attempt", () => {
  it("is busy while it goes on, and tells that it succeeded", async () => {
    const { error, busy, attempt } = useAttempt();
    const work = new Later<string>();
    const done = attempt(() => work.promise);
    expect(busy.value).toBe(true);
    work.give("whatever");
    expect(await done).toBe(true);
    expect(busy.value).toBe(false);
    expect(error.value).toBeUndefined();
  });

  it("keeps why it failed, and throws nothing", async () => {
    const { error, busy, attempt } = useAttempt();
    const problem = new Error("no");
    expect(await attempt(() => Promise.reject(problem))).toBe(false);
    expect(error.value).toBe(problem);
    expect(busy.value).toBe(false);
  });

  it("keeps what is thrown before there is a promise, too", async () => {
    const { error, attempt } = useAttempt();
    const work = (): Promise<never> => {
      throw new Error("at once");
    };
    expect(await attempt(work)).toBe(false);
    expect(error.value).toEqual(new Error("at once"));
  });

  it("forgets an earlier failure when it begins", async () => {
    const { error, attempt } = useAttempt();
    await attempt(() => Promise.reject(new Error("no")));
    const work = new Later<void>();
    const done = attempt(() => work.promise);
    expect(error.value).toBeUndefined();
    work.give();
    await done;
  });
});
