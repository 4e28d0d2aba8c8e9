import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { TrustGuide } from "../../src/api/types";
import TrustView from "../../src/views/TrustView.vue";
import { answering } from "../standIn";
import { begin, button, mounted, words } from "./mounted";
import { until } from "../until";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const GUIDE: TrustGuide = {
  name: "Archipelago on island",
  fingerprint: "AB:CD",
  thumbprint: "EF:01",
  valid_until: "2036-01-01T00:00:00Z",
  pages: ["http://192.168.1.5:8481/certificate"],
  https_port: 8443,
  devices: [
    { device: "ios", name: "iPhone, iPad", file: "a.mobileconfig", steps: ["Open **Settings**"], messages: {} },
    { device: "linux", name: "Linux", file: "a.crt", steps: ["Type `openssl`", "And more"], messages: {} },
  ],
};
const LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";

/** Has the browser be on Linux, and trust the node as `trusts` says when it is asked; gives what it was asked for. */
function browser(guide: TrustGuide, trusts: () => boolean): string[] {
  begin();
  answering({ "network-trust": () => guide });
  const [node, probed] = [fetch, [] as string[]];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    if (!url.endsWith("/certificate/trusted")) return node(url, init);
    probed.push(url);
    if (!trusts()) throw new TypeError("Failed to fetch");
    return new Response();
  });
  vi.stubGlobal("navigator", { userAgent: LINUX, maxTouchPoints: 0, language: "en" });
  vi.stubGlobal("location", { hostname: "192.168.1.5", pathname: "/" });
  return probed;
}

describe("trusting the node", () => {
  it("starts with the device that one looks at, and has the file and the steps of each", async () => {
    browser(GUIDE, () => false);
    const { page } = await mounted(TrustView, {});
    await until(() => expect(page.findAll("ol li")).toHaveLength(2));
    const devices = page.findAll("[role=radio]").map((one) => one.text());
    expect(devices).toEqual([words("trust.yours", { name: "Linux" }), "iPhone, iPad"]);
    expect(page.get("a.button-main").attributes("href")).toBe("/certificate/a.crt");
    expect(page.get("ol code").text()).toBe("openssl");
    await button(page, "iPhone, iPad")?.trigger("click");
    await flushPromises();
    expect(page.get("a.button-main").attributes("href")).toBe("/certificate/a.mobileconfig");
    expect(page.get("ol strong").text()).toBe("Settings");
    expect(page.text()).toContain("AB:CD");
    expect(page.get("svg[role=img]").attributes("aria-label")).toContain("http://192.168.1.5:8481/certificate");
  });

  it("is looked at again and again, by an address for which no browser has an exception", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let trusts = false;
    const probed = browser(GUIDE, () => trusts);
    const { page } = await mounted(TrustView, {});
    await flushPromises();
    await vi.advanceTimersByTimeAsync(3000);
    expect(page.get("[role=status]").text()).toContain(words("trust.no"));
    expect(probed[0]).toBe("https://192.168.1.5:8443/certificate/trusted");
    trusts = true;
    await vi.advanceTimersByTimeAsync(3000);
    expect(page.get("[role=status]").text()).toContain(words("trust.yes"));
  });

  it("is not needed where the node is on no network, and nothing is claimed then", async () => {
    const probed = browser({ ...GUIDE, pages: [] }, () => false);
    const { page } = await mounted(TrustView, {});
    await until(() => expect(page.text()).toContain(words("trust.closed")));
    expect(page.find("[role=status]").exists()).toBe(false);
    expect(probed).toEqual([]);
  });
});
