import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useSetup } from "../src/stores/setup";
import { answering, Refusal } from "./standIn";

beforeEach(() => setActivePinia(createPinia()));
afterEach(() => vi.unstubAllGlobals());

describe("setting up", () => {
  it("bothers nobody before the node has said how far it is", () => {
    expect(useSetup().finished).toBe(true);
  });

  it("bothers nobody who may not ask", async () => {
    answering({ "setup-status": () => Promise.reject(new Refusal("forbidden")) });
    await useSetup().know();
    expect(useSetup().done).toBeUndefined();
    expect(useSetup().finished).toBe(true);
  });

  it("is finished once the owner says so, and not by its steps alone", async () => {
    answering({ "setup-status": () => ({ done: ["phrase", "network"] }) });
    const setup = useSetup();
    await setup.know();
    expect(setup.finished).toBe(false);
    answering({ "setup-status": () => ({ done: ["finished"] }) });
    await setup.know();
    expect(setup.finished).toBe(true);
  });

  it("has the node note each step", async () => {
    const asked = answering({ "setup-done": () => ({ done: ["phrase"] }) });
    await useSetup().note("phrase");
    expect(asked).toEqual([{ method: "setup-done", params: { step: "phrase" } }]);
    expect(useSetup().done).toEqual(["phrase"]);
  });

  it("has not done a step that the node did not note", async () => {
    answering({});
    await expect(useSetup().note("phrase")).rejects.toMatchObject({ name: "offline" });
    expect(useSetup().done).toBeUndefined();
  });
});
