const BROWSERS: Array<[RegExp, string]> = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: Array<[RegExp, string]> = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux|X11/, "Linux"],
];

/** Returns browser and system of what a browser calls itself (User-Agent, RFC 9110), or that name where it is another. */
export function browserOf(agent: string): string {
  const first = (all: Array<[RegExp, string]>): string | undefined => all.find(([sign]) => sign.test(agent))?.[1];
  const [browser, system] = [first(BROWSERS), first(SYSTEMS)];
  return browser && system ? `${browser} · ${system}` : agent.slice(0, 60);
}

/** A kind of device, or a browser with certificates of its own; the node knows them by the same names. */
export type Device = "ios" | "android" | "windows" | "macos" | "linux" | "firefox";

const DEVICES: Array<[RegExp, Device]> = [
  [/iPhone|iPad|iPod/, "ios"],
  [/Android/, "android"],
  [/Windows/, "windows"],
  [/Mac OS X/, "macos"],
  [/Linux|X11/, "linux"],
];

/** Returns what a browser runs on as far as certificates go, by what it calls itself, and by how many fingers may touch it. */
export function deviceOf(agent: string, touches: number): Device | undefined {
  const found = DEVICES.find(([sign]) => sign.test(agent))?.[1];
  // An iPad says that it is a Mac, and no Mac can be touched.
  const device = found === "macos" && touches > 1 ? "ios" : found;
  return device !== "ios" && device !== "android" && /Firefox\//.test(agent) ? "firefox" : device;
}
