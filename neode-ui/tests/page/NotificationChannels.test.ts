import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Channel } from "../../src/api/types";
import NotificationChannels from "../../src/components/NotificationChannels.vue";
import { answering, paramsOf, Refusal, type Answers } from "../standIn";
import { begin, button, mounted, words } from "./mounted";
import { until } from "../until";

afterEach(() => vi.unstubAllGlobals());

const phone: Channel = {
  id: "0123456789abcdef",
  settings: {
    name: "My phone",
    target: { kind: "ntfy", server: "https://ntfy.sh", topic: "node" },
    least: "warning",
    resolved: true,
    language: "de",
  },
  secret_set: true,
  waiting: 0,
  sent_at: null,
  failures: 0,
  problem: "",
};

async function shown(channels: Channel[], answers: Answers = {}) {
  begin("administer");
  const asked = answering({ "notice-channel-list": () => channels, ...answers });
  const { page } = await mounted(NotificationChannels, {});
  await flushPromises();
  return { page, asked };
}

/** The dialog is fetched when it is opened, and is outside of the component. */
async function dialog(): Promise<HTMLElement> {
  return until(() => {
    const found = document.querySelector<HTMLElement>("[role=dialog]");
    if (!found) throw new Error("no dialog is open");
    return found;
  });
}

async function press(text: string): Promise<void> {
  const found = [...(await dialog()).querySelectorAll("button")].find((one) => one.textContent?.trim() === text);
  found!.click();
  await flushPromises();
}

async function type(label: string, value: string): Promise<void> {
  const labels = [...(await dialog()).querySelectorAll("label")];
  const found = labels.find((one) => one.textContent?.trim().startsWith(label))!;
  const input = document.getElementById(found.htmlFor) as HTMLInputElement;
  input.value = value;
  input.dispatchEvent(new Event("input"));
}

const line = (page: VueWrapper) => page.get("li");

describe("where notices are sent to", () => {
  it("is chosen from three ways where there is none, stored, and tested", async () => {
    const channels: Channel[] = [];
    const { page, asked } = await shown(channels, {
      "notice-channel-set": () => (channels.push(phone), phone),
      "notice-channel-test": () => phone,
    });
    expect(page.findAll("li")).toHaveLength(3);
    await page.findAll("li button")[2]!.trigger("click");
    await type(words("channel.url"), "https://example.com/hook");
    await type(words("channel.secret.webhook"), "a key");
    await press(words("channel.saveAndTest"));
    await until(() => expect(document.querySelector("[role=dialog]")).toBeNull());
    expect(paramsOf(asked, "notice-channel-set")).toEqual([
      {
        id: null,
        settings: {
          name: words("channel.name.webhook"),
          target: { kind: "webhook", url: "https://example.com/hook" },
          least: "warning",
          resolved: true,
          language: "en",
        },
        secret: "a key",
      },
    ]);
    expect(paramsOf(asked, "notice-channel-test")).toEqual([{ id: phone.id }]);
    expect(page.findAll("li")).toHaveLength(1);
  });

  it("keeps what was typed where the test fails, and adds nothing twice", async () => {
    const { asked } = await shown([], {
      "notice-channel-set": () => phone,
      "notice-channel-test": () => Promise.reject(new Refusal("invalid-value", "the server answered with status 404")),
    }).then(async (found) => {
      await found.page.findAll("li button")[0]!.trigger("click");
      return found;
    });
    await press(words("channel.saveAndTest"));
    expect((await dialog()).querySelector("[role=alert]")?.textContent).toContain("status 404");
    await press(words("channel.saveAndTest"));
    expect(paramsOf(asked, "notice-channel-set").map((one) => one.id)).toEqual([null, phone.id]);
  });

  it("says how it works, and never shows a secret", async () => {
    const { page } = await shown([
      { ...phone, failures: 3, waiting: 2, problem: "the server answered with status 500" },
    ]);
    expect(line(page).text()).toContain(words("channel.fails"));
    expect(line(page).text()).toContain("status 500");
    expect(line(page).text()).toContain(words("channel.waiting", { n: 2 }, 2));
    expect(line(page).text()).toContain("ntfy.sh · node");
  });

  it("is tested by a button, and says why a test does not arrive", async () => {
    const { page, asked } = await shown([phone], {
      "notice-channel-test": () => Promise.reject(new Refusal("invalid-value", "no answer in time")),
    });
    await button(page, words("channel.test"))?.trigger("click");
    await flushPromises();
    expect(paramsOf(asked, "notice-channel-test")).toEqual([{ id: phone.id }]);
    expect(page.get("[role=alert]").text()).toContain("no answer in time");
  });

  it("keeps the secret that it has when it is changed, unless it is removed", async () => {
    const { page, asked } = await shown([phone], { "notice-channel-set": () => phone });
    const open = async (): Promise<void> => {
      await page.get("li [aria-haspopup=menu]").trigger("click");
      await flushPromises();
      document.querySelector<HTMLElement>("[role=menuitem]")!.click();
      await dialog();
    };
    await open();
    await press(words("common.save"));
    await until(() => expect(document.querySelector("[role=dialog]")).toBeNull());
    await open();
    await press(words("channel.secretRemove"));
    await press(words("common.save"));
    await until(() => expect(paramsOf(asked, "notice-channel-set")).toHaveLength(2));
    expect(paramsOf(asked, "notice-channel-set").map((one) => one.secret)).toEqual([null, ""]);
    expect(paramsOf(asked, "notice-channel-set")[0]).toMatchObject({ id: phone.id, settings: phone.settings });
  });
});
