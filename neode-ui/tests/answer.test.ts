import { describe, expect, it } from "vitest";
import { useAnswer } from "../src/lib/answer";
import { Later } from "./standIn";

/** Asks a question whose answers come when a test says so, one for each time that it is asked. */
function question() {
  const answers: Later<string>[] = [];
  const answer = useAnswer(() => {
    answers.push(new Later());
    return (answers.at(-1) as Later<string>).promise;
  });
  const look = () => ({ done: answer.look(), answer: answers.at(-1) as Later<string> });
  return { ...answer, look };
}

describe("an answer", () => {
  it("is found once it comes", async () => {
    const { found, failure, look } = question();
    const { done, answer } = look();
    expect(found.value).toBeUndefined();
    answer.give("first");
    await done;
    expect(found.value).toBe("first");
    expect(failure.value).toBeUndefined();
  });

  it("stays until a newer one comes", async () => {
    const { found, look } = question();
    const first = look();
    first.answer.give("first");
    await first.done;
    const second = look();
    expect(found.value).toBe("first");
    second.answer.give("second");
    await second.done;
    expect(found.value).toBe("second");
  });

  it.each([
    ["in order", ["first", "second"]],
    ["the newest first", ["second", "first"]],
  ] as const)("is the newest in the end where several come %s", async (_, order) => {
    const { found, look } = question();
    const asked = { first: look(), second: look() };
    for (const name of order) {
      asked[name].answer.give(name);
      await asked[name].done;
    }
    expect(found.value).toBe("second");
  });

  it("is found though the next question is asked already", async () => {
    const { found, look } = question();
    const [first] = [look(), look()];
    first.answer.give("first");
    await first.done;
    expect(found.value).toBe("first");
  });

  it("is not doubted because an older question fails after it", async () => {
    const { found, failure, look } = question();
    const [first, second] = [look(), look()];
    second.answer.give("second");
    await second.done;
    first.answer.refuse(new Error("no"));
    await first.done;
    expect(found.value).toBe("second");
    expect(failure.value).toBeUndefined();
  });
});

describe("a question that fails", () => {
  async function failed() {
    const asked = question();
    const first = asked.look();
    first.answer.give("first");
    await first.done;
    const second = asked.look();
    second.answer.refuse(new Error("no"));
    await second.done;
    return asked;
  }

  it("says why, throws nothing, and keeps what was found before", async () => {
    const { found, failure } = await failed();
    expect(failure.value).toEqual(new Error("no"));
    expect(found.value).toBe("first");
  });

  it("has failed until an answer comes, not only until it is asked again", async () => {
    const { found, failure, look } = await failed();
    const { done, answer } = look();
    expect(failure.value).toBeDefined();
    answer.give("third");
    await done;
    expect(failure.value).toBeUndefined();
    expect(found.value).toBe("third");
  });

  it("has failed even where an older answer comes after that", async () => {
    const { found, failure, look } = question();
    const [first, second] = [look(), look()];
    second.answer.refuse(new Error("no"));
    await second.done;
    first.answer.give("first");
    await first.done;
    expect(failure.value).toEqual(new Error("no"));
    expect(found.value).toBeUndefined();
  });

  it("is forgotten along with what was found", async () => {
    const { found, failure, forget } = await failed();
    forget();
    expect([found.value, failure.value]).toEqual([undefined, undefined]);
  });
});

describe("a question that is forgotten", () => {
  it("finds nothing any more", async () => {
    const { found, look, forget } = question();
    const { done, answer } = look();
    forget();
    answer.give("of before");
    await done;
    expect(found.value).toBeUndefined();
  });

  it("does not fail any more", async () => {
    const { failure, look, forget } = question();
    const { done, answer } = look();
    forget();
    answer.refuse(new Error("no"));
    await done;
    expect(failure.value).toBeUndefined();
  });

  it("is asked anew as if for the first time", async () => {
    const { found, look, forget } = question();
    const before = look();
    forget();
    const after = look();
    after.answer.give("of after");
    await after.done;
    before.answer.give("of before");
    await before.done;
    expect(found.value).toBe("of after");
  });
});
