import { flushPromises } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import ConsentDialog from "../../src/components/ConsentDialog.vue";
import { containers } from "../../src/container-client";
import { Declined, whenConsentNeeded } from "../../src/lib/consent";
import { useConsent } from "../../src/stores/consent";
import { useContainers } from "../../src/stores/container";
import { begin, mounted, words } from "./mounted";
import { operation, plan, planned, summary } from "../samples";
import { answering, paramsOf, type Answers } from "../standIn";
import { until } from "../until";

const ANSWERS: Answers = {
  "change-preview": ({ app, change }) => ({
    restarts: [],
    app,
    stops: change === "stop" ? ["specter", "electrumx"] : [],
    interrupts: change === "stop" ? [] : ["electrumx"],
  }),
  "container-stop": () => operation(),
  "container-restart": () => operation(),
  "container-update": () => operation(),
  "container-config": () => operation(),
  "config-preview": () => ({
    changes: [],
    restarts: ["bitcoin-knots", "electrumx"],
    installs: ["tor"],
    plan: "d2",
    interrupts: ["specter"],
    data: [],
  }),
  "config-rollback": () => operation(),
  "rollback-preview": () => ({
    changes: [],
    restarts: ["bitcoin-knots", "electrumx"],
    installs: [],
    plan: "",
    interrupts: [],
    data: [],
  }),
  plan: () => plan({ interrupts: ["electrumx"] }),
};

beforeEach(() => {
  begin("manage");
  useConsent();
});
afterEach(() => {
  vi.unstubAllGlobals();
  document.body.innerHTML = "";
  whenConsentNeeded(() => Promise.resolve(true)); // other tests have no dialog
});

async function dialog() {
  await mounted(ConsentDialog, {});
  await flushPromises();
  const found = document.querySelector("[role=alertdialog]");
  const press = (text: string): void =>
    [...(found?.querySelectorAll("button") ?? [])].find((one) => one.textContent === text)?.click();
  return { text: found?.textContent ?? "", press };
}

describe("what a change does to other apps", () => {
  it.each([
    ["stop", () => containers.stop("bitcoin-knots"), "container-stop", { agreed: ["specter", "electrumx"] }],
    ["restart", () => containers.restart("bitcoin-knots"), "container-restart", {}],
    ["update", () => containers.update("bitcoin-knots"), "container-update", { plan: "d1" }],
    [
      "settings",
      () => containers.configure("bitcoin-knots", { network: "signet" }, []),
      "container-config",
      { agreed: ["bitcoin-knots", "electrumx", "tor"], plan: "d2" },
    ],
    [
      "settings",
      () => containers.rollBack("bitcoin-knots", 3),
      "config-rollback",
      { agreed: ["bitcoin-knots", "electrumx"], plan: "" },
    ],
  ] as const)(
    "is named before a %s, which nothing is done of until the owner agrees",
    async (what, change, method, agreed) => {
      const asked = answering(ANSWERS);
      useContainers().apps = [summary({ app: "electrumx", name: "ElectrumX" }), summary()];
      const work = change();
      await until(() => expect(useConsent().asked).toBeDefined());
      const { text, press } = await dialog();
      expect(text).toContain(words(`consent.title.${what}`, { name: "Bitcoin Knots" }));
      expect(text).toContain("ElectrumX");
      expect(paramsOf(asked, method)).toEqual([]);
      press(words(`consent.do.${what}`));
      await work;
      expect(paramsOf(asked, method)).toMatchObject([{ app: "bitcoin-knots", ...agreed }]);
    },
  );

  it("is not done where the owner says no, which is no error", async () => {
    const asked = answering(ANSWERS);
    const work = containers.stop("bitcoin-knots");
    const refused = expect(work).rejects.toBeInstanceOf(Declined);
    await until(() => expect(useConsent().asked).toBeDefined());
    (await dialog()).press(words("common.cancel"));
    await refused;
    expect(paramsOf(asked, "container-stop")).toEqual([]);
  });

  it.each(["yes", "until-first-write", "no"] as const)(
    "is asked about for each update, with the way back: %s",
    async (way_back) => {
      const one = { ...planned("bitcoin-knots", "update"), way_back };
      const asked = answering({ ...ANSWERS, plan: () => plan({ apps: [planned("tor", "reuse"), one] }) });
      const work = containers.update("bitcoin-knots");
      await until(() => expect(useConsent().asked).toBeDefined());
      const { text, press } = await dialog();
      expect(text).toContain(words(`wayBack.${way_back}`));
      expect(paramsOf(asked, "container-update")).toEqual([]);
      press(words("consent.do.update"));
      await work;
      expect(paramsOf(asked, "container-update")).toEqual([{ app: "bitcoin-knots", plan: "d1" }]);
    },
  );

  it("says before an update what is new in the version, as text alone", async () => {
    const notes = "- Faster `sync`\n- <img src=x>";
    const one = { ...planned("bitcoin-knots", "update"), way_back: "yes" as const, release_notes: notes };
    answering({ ...ANSWERS, plan: () => plan({ apps: [one] }) });
    const work = containers.update("bitcoin-knots");
    await until(() => expect(useConsent().asked).toBeDefined());
    const { text, press } = await dialog();
    expect(text).toContain(words("update.notes"));
    const points = [...document.querySelectorAll("[role=alertdialog] li")].map((each) => each.textContent);
    expect(points).toEqual(["Faster sync", "<img src=x>"]);
    press(words("consent.do.update"));
    await work;
  });

  it("says before an update what comes with it, and what its owner should know", async () => {
    const one = { ...planned("bitcoin-knots", "update"), way_back: "yes" as const };
    const warnings = ["bitcoin-knots 2 reaches more than now"];
    answering({ ...ANSWERS, plan: () => plan({ apps: [planned("tor", "install"), one], warnings }) });
    const work = containers.update("bitcoin-knots");
    await until(() => expect(useConsent().asked).toBeDefined());
    const { text, press } = await dialog();
    expect(text).toContain(words("consent.installs", { apps: "tor" }));
    expect(text).toContain(words("plan.warnings"));
    expect(text).toContain(warnings[0]);
    press(words("consent.do.update"));
    await work;
  });

  it("is not asked about where there is none", async () => {
    const asked = answering({
      ...ANSWERS,
      "change-preview": ({ app }) => ({ app, stops: [], restarts: [], interrupts: [] }),
    });
    await containers.stop("bitcoin-knots");
    expect(useConsent().asked).toBeUndefined();
    expect(paramsOf(asked, "container-stop")).toEqual([{ app: "bitcoin-knots", agreed: [] }]);
  });
});
