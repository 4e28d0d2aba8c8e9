import { describe, expect, it } from "vitest";
import { browserOf, deviceOf } from "../src/lib/agent";

describe("a browser", () => {
  it.each([
    [
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
      "Chrome · Linux",
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0",
      "Edge · Windows",
    ],
    [
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
      "Safari · macOS",
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile Safari/604.1",
      "Chrome · iOS",
    ],
    ["Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox · Android"],
  ])("is told by what it calls itself: %s", (agent, browser) => expect(browserOf(agent)).toBe(browser));

  it("that is none of them is called what it calls itself, as far as it fits", () => {
    expect(browserOf("curl/8.0")).toBe("curl/8.0");
    expect(browserOf("x".repeat(300))).toHaveLength(60);
  });
});

describe("a device", () => {
  const MAC =
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15";
  it.each([
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", 5, "ios"],
    [MAC, 0, "macos"],
    [MAC, 5, "ios"],
    ["Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/140.0 Mobile", 5, "android"],
    ["Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", 5, "android"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) FxiOS/140.0 Safari/604.1", 5, "ios"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", 0, "firefox"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0", 10, "windows"],
    ["Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0", 0, "linux"],
    ["curl/8.0", 0, undefined],
  ])("%s, touched by %i fingers, is %s", (agent, touches, device) => expect(deviceOf(agent, touches)).toBe(device));
});
