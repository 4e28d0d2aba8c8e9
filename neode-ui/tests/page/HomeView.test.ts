import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { AppSummary } from "../../src/api/types";
import { useContainers } from "../../src/stores/container";
import { useNotices } from "../../src/stores/notices";
import HomeView from "../../src/views/HomeView.vue";
import { begin, mounted, words } from "./mounted";
import { summary, system } from "../samples";
import { answering, Later } from "../standIn";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Home of a node whose state is known; what its doctor says comes when a test says so. */
async function home(...apps: AppSummary[]) {
  begin();
  const doctor = new Later<[]>();
  answering({
    "node-notices": () => doctor.promise,
    "setup-status": () => ({ done: ["finished"] }),
    "preferences-get": () => ({ card_order: [], hidden_cards: [], pinned_apps: [] }),
    "network-status": () => new Promise(() => {}),
    "system-history": () => new Promise(() => {}),
    "system-disk": () => new Promise(() => {}),
    "chain-report": () => new Promise(() => {}),
  });
  Object.assign(useContainers(), { apps: apps.length ? apps : [summary()], system: system() });
  const { page } = await mounted(HomeView, {});
  void useNotices().examine();
  await vi.advanceTimersByTimeAsync(0);
  return { page, doctor };
}

it("shows nothing that what the doctor finds would push aside", async () => {
  const { page, doctor } = await home();
  expect(page.text()).not.toContain("Bitcoin Knots");
  expect(page.findAll("[aria-busy=true]")).toHaveLength(5);
  doctor.give([]);
  await vi.advanceTimersByTimeAsync(0);
  expect(page.text()).toContain("Bitcoin Knots");
  expect(page.findAll("[aria-busy=true]")).toHaveLength(0);
});

it("does not wait long for a slow doctor", async () => {
  const { page } = await home();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(page.text()).not.toContain("Bitcoin Knots");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(page.text()).toContain("Bitcoin Knots");
});

it("shows a chain whose app does not run as what it is, and not as missing", async () => {
  const { page, doctor } = await home(summary({ follows_chain: true, desired: "stopped", state: "stopped" }));
  doctor.give([]);
  await vi.advanceTimersByTimeAsync(0);
  expect(page.text()).toContain(words("home.chainStopped"));
  const { page: none, doctor: other } = await home(summary({ app: "tor", name: "Tor" }));
  other.give([]);
  await vi.advanceTimersByTimeAsync(0);
  expect(none.text()).not.toContain(words("home.chainStopped"));
});
