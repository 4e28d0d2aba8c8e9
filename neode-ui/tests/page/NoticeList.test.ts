import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import NoticeList from "../../src/components/NoticeList.vue";
import { useContainers } from "../../src/stores/container";
import { useNotices } from "../../src/stores/notices";
import { answering, paramsOf, Refusal } from "../standIn";
import { entry, harmless, operation, summary } from "../samples";
import { begin, button, mounted, words } from "./mounted";

afterEach(() => vi.unstubAllGlobals());

async function list(): Promise<VueWrapper> {
  useContainers().apps = [summary({ app: "knots", name: "Knots", state: "failed", reason: "exit code 1" })];
  answering({ "catalog-list": () => [entry({ app: "lnd", name: "LND", installed: "1.9", update_to: "1.10" })], doctor: () => [] });
  await useNotices().examine();
  return (await mounted(NoticeList, {})).page;
}

describe("what needs somebody", () => {
  it("is told in words, with how grave it is and where one sees more", async () => {
    begin("operate", "manage");
    const page = await list();
    expect(page.findAll("li").map((one) => one.get("svg").attributes("aria-label"))).toEqual([words("notice.level.error"), words("notice.level.note")]);
    expect(page.get("li").text()).toContain(words("notice.troubled", { name: "Knots" }));
    expect(page.get("li").text()).toContain("exit code 1");
    expect(page.findAll("a").map((one) => one.attributes("href"))).toEqual(["/apps/knots/logs", "/apps/lnd"]);
  });

  it("is nothing where all is well", async () => {
    begin();
    expect((await mounted(NoticeList, {})).page.text()).toBe(words("home.allWell"));
  });

  it("is mended at the press of a button by who may", async () => {
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
    const told = origins.map((origin, id) => ({ id: id + 1, action: "password-set", subject: "owner", by: "eve", origin, at: "2026-01-01T00:00:00Z" }));
    const asked = answering({
      "catalog-list": () => [],
      doctor: () => [],
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
    await page.findAll("button").find((one) => one.text() === words("notice.dismiss"))?.trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "notice-dismiss")).toEqual([{ id: 1 }]);
    expect(page.findAll("li")).toHaveLength(1);
  });

  it("says why it could not be mended", async () => {
    begin("operate");
    const page = await list();
    answering({ ...harmless, "container-restart": () => Promise.reject(new Refusal("busy", "it is being updated")) });
    await button(page, words("apps.restart"))?.trigger("click");
    await flushPromises();
    expect(page.get("[role=alert]").text()).toContain("it is being updated");
    expect(page.findAll("li")).toHaveLength(2);
  });
});
