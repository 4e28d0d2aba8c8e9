import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { SecretView } from "../../src/api/types";
import SeedWords from "../../src/components/app/SeedWords.vue";
import { status } from "../samples";
import { answering, paramsOf, Refusal, type Answers } from "../standIn";
import { begin, button, mounted, openDialog, words } from "./mounted";

const LND = status({ app: "lnd", name: "LND" });
const SEED: SecretView = {
  name: "seed",
  created_at: "2026-01-01T00:00:00Z",
  permanent: true,
  words: 24,
  confirmed: false,
};
const PHRASE = Array.from({ length: 24 }, (_, at) => `word${at + 1}`);

afterEach(() => vi.unstubAllGlobals());

async function shown(answers: Answers = {}) {
  const asked = answering({
    "secret-list": () => [{ ...SEED, name: "password", words: null }, SEED],
    "secret-show": () => PHRASE.join(" "),
    ...answers,
  });
  const { page } = await mounted(SeedWords, { status: LND });
  await flushPromises();
  return { page, asked };
}

const press = async (text: string) => {
  await button(openDialog()!, text)?.trigger("click");
  await flushPromises();
};

/** Opens the dialog, and goes on to where it asks; returns the places that it asks for, from 1. */
async function asks(page: Parameters<typeof button>[0]): Promise<number[]> {
  await button(page, words("app.wordsGo"))?.trigger("click");
  await flushPromises();
  expect(openDialog()?.text()).not.toContain("word17");
  await press(words("welcome.phraseShow"));
  expect(openDialog()?.text()).toContain("word17");
  await press(words("welcome.phraseWritten"));
  expect(openDialog()?.text()).not.toContain("word17");
  return openDialog()!
    .findAll("label .label")
    .map((one) => Number(/\d+/.exec(one.text())?.[0]));
}

async function give(typed: string[]): Promise<void> {
  for (const [at, input] of openDialog()!.findAll("input").entries()) await input.setValue(typed[at]);
  await openDialog()!.get("form").trigger("submit");
  await flushPromises();
}

describe("the words of an app's money", () => {
  it("are shown, asked for at three places, and then not spoken of any more", async () => {
    begin("administer");
    let confirmed = false;
    const { page, asked } = await shown({
      "secret-list": () => [{ ...SEED, confirmed }],
      "secret-confirm": () => {
        confirmed = true;
        return null as never;
      },
    });
    expect(page.text()).toContain(words("app.words", { n: 24 }));
    const places = await asks(page);
    expect(places).toHaveLength(3);
    await give(places.map((place) => `word${place}`));
    expect(paramsOf(asked, "secret-confirm")).toEqual([
      { app: "lnd", name: "seed", words: places.map((place) => ({ place, word: `word${place}` })) },
    ]);
    expect(openDialog()).toBeUndefined();
    expect(page.text()).toBe("");
  });

  it("are asked for again where they are wrong, and the node's reason is shown where it takes none now", async () => {
    begin("administer");
    let refusal = new Refusal("invalid-value", "these are not the words");
    const { page } = await shown({ "secret-confirm": () => Promise.reject(refusal) });
    await asks(page);
    await give(["wrong", "wrong", "wrong"]);
    expect(openDialog()?.get("[role=alert]").text()).toBe(words("welcome.wordsWrong"));
    refusal = new Refusal("too-many", "too many attempts: wait 8 s");
    await give(["wrong", "wrong", "wrong"]);
    expect(openDialog()?.text()).toContain("too many attempts");
    expect(openDialog()?.text()).not.toContain(words("welcome.wordsWrong"));
    await press(words("welcome.phraseAgain"));
    expect(openDialog()?.text()).toContain("word17");
  });

  it("leave the page with the dialog", async () => {
    begin("administer");
    const { page } = await shown();
    await asks(page);
    await openDialog()!
      .get(`[aria-label="${words("common.close")}"]`)
      .trigger("click");
    await flushPromises();
    await button(page, words("app.wordsGo"))?.trigger("click");
    await flushPromises();
    expect(openDialog()?.text()).not.toContain("word1");
  });

  it("are not spoken of to who may not see them, nor where there are none", async () => {
    begin("manage");
    const { page, asked } = await shown();
    expect(page.text()).toBe("");
    expect(paramsOf(asked, "secret-list")).toEqual([]);
    begin("administer");
    expect((await shown({ "secret-list": () => [{ ...SEED, words: null }] })).page.text()).toBe("");
  });
});
