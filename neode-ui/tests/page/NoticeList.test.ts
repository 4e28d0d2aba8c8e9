import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import NoticeList from "../../src/components/NoticeList.vue";
import { useNotices } from "../../src/stores/notices";
import { answering, paramsOf, Refusal } from "../standIn";
import { harmless, notice, operation, troubled, updatable } from "../samples";
import { begin, button, mounted, words } from "./mounted";

afterEach(() => vi.unstubAllGlobals());

/** Opens the menu of a notice, unless it is open, and returns its lines. */
async function menu(page: VueWrapper, text: string): Promise<HTMLElement[]> {
  const item = page.findAll("li").find((one) => one.text().includes(text));
  const trigger = item!.get("[aria-haspopup=menu]");
  if (trigger.attributes("aria-expanded") !== "true") await trigger.trigger("click");
  await flushPromises();
  return [...document.querySelectorAll<HTMLElement>("[role=menuitem]")];
}

const textOf = (one: HTMLElement): string => one.textContent?.trim() ?? "";

/** Chooses a line of the menu of a notice. */
async function choose(page: VueWrapper, text: string, line: string): Promise<void> {
  const found = (await menu(page, text)).find((one) => textOf(one) === line);
  if (!found) throw new Error(`the menu of ${text} has no line ${line}`);
  found.click();
  await flushPromises();
}

async function list(): Promise<VueWrapper> {
  answering({ "node-notices": () => [troubled(), updatable()] });
  await useNotices().examine();
  return (await mounted(NoticeList, {})).page;
}

describe("what needs somebody", () => {
  it("is told in words, with how grave it is and where one sees more", async () => {
    begin("operate", "manage");
    const page = await list();
    expect(page.findAll("li").map((one) => one.get("svg").attributes("aria-label"))).toEqual([
      words("notice.level.error"),
      words("notice.level.note"),
    ]);
    expect(page.get("li").text()).toContain(words("notice.troubled", { name: "Knots" }));
    expect(page.get("li").text()).toContain("exit code 1");
    expect(page.findAll("a").map((one) => one.attributes("href"))).toEqual(["/apps/knots/logs", "/apps/lnd"]);
  });

  it("is nothing where all is well", async () => {
    begin();
    expect((await mounted(NoticeList, {})).page.text()).toBe(words("home.allWell"));
  });

  it("is fixed at the press of a button by who may", async () => {
    begin("operate");
    const page = await list();
    expect(button(page, words("notice.update"))).toBeUndefined();
    const asked = answering({ ...harmless, "container-restart": () => operation() });
    await button(page, words("apps.restart"))?.trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "container-restart")).toEqual([{ app: "knots" }]);
  });

  it("says who changed how one logs in, from where and when, and goes when somebody knows", async () => {
    begin();
    const origins = ["192.168.1.5", "unix socket, uid 0"];
    const told = origins.map((origin, id) => ({
      id: id + 1,
      action: "password-set",
      subject: "owner",
      by: "eve",
      origin,
      at: "2026-01-01T00:00:00Z",
    }));
    const asked = answering({
      "node-notices": () => [],
      "notice-list": () => told.slice(),
      "notice-dismiss": () => (told.shift(), null),
    });
    useNotices().watchOver();
    onTestFinished(() => useNotices().rest());
    await flushPromises();
    const page = (await mounted(NoticeList, {})).page;
    const said = page.findAll("li").map((one) => one.text());
    expect(said[0]).toContain(words("notice.account.password-set", { subject: "owner" }));
    expect(said[0]).toContain("eve, from 192.168.1.5");
    expect(said[1]).toContain(`from ${words("notice.onNode")}`);
    await page
      .findAll("button")
      .find((one) => one.text() === words("notice.dismiss"))
      ?.trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "notice-dismiss")).toEqual([{ id: 1 }]);
    expect(page.findAll("li")).toHaveLength(1);
  });

  it("says why it could not be fixed", async () => {
    begin("operate");
    const page = await list();
    answering({ ...harmless, "container-restart": () => Promise.reject(new Refusal("busy", "it is being updated")) });
    await button(page, words("apps.restart"))?.trigger("click");
    await flushPromises();
    expect(page.get("[role=alert]").text()).toContain("it is being updated");
    expect(page.findAll("li")).toHaveLength(2);
  });

  it("is put aside until it changes or until it is brought back, and is in a list meanwhile", async () => {
    begin("administer");
    const told = [troubled(), notice({ may_mute: false, text: "the key can be read by others" })];
    const asked = answering({
      "node-notices": () => told.map((one) => ({ ...one })),
      "node-notice-hide": ({ id, mute }) => {
        told.find((one) => one.id === id)!.hidden = mute ? "muted" : "acknowledged";
        return null;
      },
      "node-notice-show": ({ id }) => ((told.find((one) => one.id === id)!.hidden = null), null),
    });
    await useNotices().examine();
    const page = (await mounted(NoticeList, {})).page;
    const item = (text: string) => page.findAll("li").find((one) => one.text().includes(text))!;
    const press = async (text: string, word: string) => {
      await item(text)
        .findAll("button")
        .find((one) => one.text() === words(word))
        ?.trigger("click");
      await flushPromises();
    };
    expect(useNotices().urgent).toBe(2);
    expect(page.find("details").exists()).toBe(false);
    await choose(page, "Knots", words("notice.mute"));
    expect((await menu(page, "the key")).map(textOf)).not.toContain(words("notice.mute"));
    await choose(page, "the key", words("notice.acknowledgeHint"));
    expect(paramsOf(asked, "node-notice-hide")).toEqual([
      { id: "app:knots", said: troubled().said, mute: true },
      { id: notice().id, said: notice().said, mute: false },
    ]);
    expect(useNotices().urgent).toBe(0);
    expect(page.text()).toContain(words("home.allWell"));
    expect(page.get("summary").text()).toBe("2 hidden notices");
    expect(page.get("details").text()).toContain(words("notice.hiding.muted"));
    expect(page.get("details").text()).toContain(words("notice.hiding.acknowledged"));
    await press("Knots", "notice.show");
    expect(paramsOf(asked, "node-notice-show")).toEqual([{ id: "app:knots" }]);
    expect(useNotices().urgent).toBe(1);
  });

  it("is put aside by the owner alone", async () => {
    begin("operate", "manage");
    const page = await list();
    expect(page.text()).not.toContain(words("notice.dismiss"));
    expect(page.find("[aria-haspopup=menu]").exists()).toBe(false);
  });

  it("is put aside for a while, and says when it comes back", async () => {
    begin("administer");
    let told = troubled();
    const asked = answering({
      "node-notices": () => [told],
      "node-notice-remind": () => {
        told = troubled({ hidden: "reminded", hidden_until: "2026-01-02T15:30:00Z" });
        return null;
      },
    });
    await useNotices().examine();
    const page = (await mounted(NoticeList, {})).page;
    expect((await menu(page, "Knots")).map(textOf)).toEqual([
      words("notice.later.hour"),
      words("notice.later.day"),
      words("notice.later.week"),
      words("notice.acknowledgeHint"),
      words("notice.mute"),
    ]);
    await choose(page, "Knots", words("notice.later.day"));
    expect(paramsOf(asked, "node-notice-remind")).toEqual([{ id: "app:knots", said: troubled().said, later: "day" }]);
    expect(useNotices().urgent).toBe(0);
    expect(page.get("details").text()).toContain("2026");
  });

  it("says what happens if nothing is done, and has one main button", async () => {
    begin("operate", "administer");
    answering({ "node-notices": () => [troubled({ consequence: "payments stop" }), notice()] });
    await useNotices().examine();
    const page = (await mounted(NoticeList, {})).page;
    expect(page.get("li").text()).toContain(`${words("notice.consequence")} payments stop`);
    for (const item of page.findAll("li")) expect(item.findAll(".button-main")).toHaveLength(1);
    expect(page.findAll(".button-main").map((one) => one.text())).toEqual([words("apps.restart"), words("notice.how")]);
  });

  it("is shown with others of its cause, of which a few are in view", async () => {
    begin("operate", "administer");
    const updates = ["a", "b", "c", "d", "e"].map((app) => updatable({ id: `update:${app}`, app, name: app }));
    answering({ "node-notices": () => [troubled(), ...updates] });
    await useNotices().examine();
    const page = (await mounted(NoticeList, {})).page;
    expect(page.findAll("h3").map((one) => one.text())).toEqual([words("notice.cause.updates", { n: 5 }, 5)]);
    expect(page.findAll("li")).toHaveLength(4);
    await button(page, words("notice.rest", { n: 2 }, 2))?.trigger("click");
    expect(page.findAll("li")).toHaveLength(6);
  });
});
