import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nextTick } from "vue";
import { RpcError } from "../../src/api/rpc";
import OperationProgress from "../../src/components/OperationProgress.vue";
import Problem from "../../src/components/Problem.vue";
import { speak } from "../../src/i18n";
import { operation, step } from "../samples";
import { begin, mounted } from "./mounted";

const app = { app: "tor" };

describe("in German", () => {
  beforeEach(() => begin());
  afterEach(() => speak("en"));

  it("an error is translated by its template, and stays English where there is none", async () => {
    await speak("de");
    const messages = {
      message: { key: "{app} is not installed", parameters: app },
      hint: { key: "nobody wrote this", parameters: {} },
    };
    const error = new RpcError(1026, "tor is not installed", "invalid-value", "nobody wrote this", { messages });
    const { page } = await mounted(Problem, { error });
    expect(page.text()).toContain("tor ist nicht installiert");
    expect(page.text()).toContain("nobody wrote this");
  });

  it("steps and the reason of a failure are translated, also when the language changes later", async () => {
    const failed = step({
      name: "start tor",
      state: "failed",
      messages: { name: { key: "start {app}", parameters: app } },
    });
    const error = {
      code: "busy",
      message: "tor does not start",
      hint: "log in",
      data: {},
      messages: { message: { key: "{app} does not start", parameters: app }, hint: { key: "log in", parameters: {} } },
    };
    const { page } = await mounted(OperationProgress, {
      operation: operation({ state: "failed", steps: [failed], error }),
    });
    expect(page.text()).toContain("start tor");
    await speak("de");
    await nextTick();
    expect(page.text()).toContain("tor starten");
    expect(page.text()).toContain("tor startet nicht");
    expect(page.text()).toContain("melde dich an");
  });
});
