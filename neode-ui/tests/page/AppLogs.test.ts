import type { VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { live } from "../../src/api/live";
import type { ContainerStatus } from "../../src/api/types";
import BaseSelect from "../../src/design/components/BaseSelect.vue";
import AppLogs from "../../src/components/app/AppLogs.vue";
import { speak } from "../../src/i18n";
import { connect, Socket } from "../standIn";
import { logLine, status } from "../samples";
import { begin, button, mounted, words } from "./mounted";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Socket);
});
afterEach(() => {
  live.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** As long as it takes until what came is shown. */
const frame = () => vi.advanceTimersByTimeAsync(50);

function containers(...names: string[]): ContainerStatus[] {
  const { health } = status();
  return names.map((name) => ({
    name,
    container: name,
    image: "",
    state: "running",
    health,
    limits: { memory: 0, cpu: 0, pids: 0 },
    started_at: null,
  }));
}

async function logs(own: Parameters<typeof status>[0] = {}) {
  begin();
  const { page } = await mounted(AppLogs, { status: status(own) });
  connect();
  return page;
}

/** Has lines come over the newest connection. */
async function come(texts: string[], own: Parameters<typeof logLine>[0] = {}, subscription = 1): Promise<void> {
  for (const text of texts) Socket.last.notifies("log", { subscription, log: logLine({ ...own, text }) });
  await frame();
}

async function search(page: VueWrapper, text: string): Promise<void> {
  await page.get("input").setValue(text);
  await vi.advanceTimersByTimeAsync(500);
}

const select = (page: VueWrapper, label: string) =>
  page
    .findAllComponents(BaseSelect)
    .find((one) => one.get("[role=combobox]").attributes("aria-label") === words(label));
const chooseContainer = (page: VueWrapper, name: string) => select(page, "app.container")?.setValue(name);
const shown = (page: VueWrapper) => page.findAll("[role=log] > div").map((one) => one.text());

describe("the log of an app", () => {
  it("is followed, the newest lines first, and shown as it comes", async () => {
    const page = await logs();
    expect(Socket.last.asks("subscribe")).toEqual([
      { kind: "logs", app: "bitcoin-knots", container: null, tail: 2000 },
    ]);
    expect(page.text()).toContain(words("app.emptyLog"));
    await come(["one", "two"]);
    await come(["three"]);
    expect(shown(page)).toEqual(["one", "two", "three"]);
  });

  it("is shown as plain text, without what moves a cursor", async () => {
    const page = await logs();
    await come(["<b>\x1b[31mred\x1b[0m</b>"]);
    expect(shown(page)).toEqual(["<b>red</b>"]);
    expect(page.find("[role=log] b").exists()).toBe(false);
  });

  it("is that of one container where one is chosen", async () => {
    const page = await logs({ containers: containers("server", "database") });
    await come(["of both"]);
    await chooseContainer(page, "database");
    expect(shown(page)).toEqual([]);
    expect(Socket.last.asks("unsubscribe")).toEqual([{ subscription: 1 }]);
    expect(Socket.last.asks("subscribe").at(-1)).toMatchObject({ container: "database" });
    await come(["of the database"], {}, Socket.last.grants(Socket.last.sent.at(-1)));
    expect(shown(page)).toEqual(["of the database"]);
  });

  it("is followed from its end where another container is chosen, even where it was held", async () => {
    const page = await logs({ containers: containers("server", "database") });
    await button(page, words("app.pause"))?.trigger("click");
    await chooseContainer(page, "database");
    expect(button(page, words("app.pause"))).toBeDefined();
    await come(["of the database"], {}, Socket.last.grants(Socket.last.sent.at(-1)));
    expect(shown(page)).toEqual(["of the database"]);
  });

  it("is narrowed to what is serious", async () => {
    const page = await logs();
    await come(["INFO one", "ERROR two", "WARN three"]);
    await select(page, "logLevel.label")?.setValue("warning");
    await vi.advanceTimersByTimeAsync(500);
    expect(shown(page)).toEqual(["ERROR two", "WARN three"]);
    await come(["DEBUG four", "FATAL five"]);
    expect(shown(page)).toEqual(["ERROR two", "WARN three", "FATAL five"]);
    await select(page, "logLevel.label")?.setValue("debug");
    await vi.advanceTimersByTimeAsync(500);
    expect(shown(page)).toHaveLength(5);
  });

  it("says that it has ended, and why", async () => {
    const page = await logs();
    Socket.last.notifies("ended", { subscription: 1, error: { message: "the app was removed" } });
    await frame();
    expect(page.text()).toContain(`${words("app.logOver")} the app was removed`);
  });

  it("says why it has ended in the language of the page", async () => {
    const page = await logs();
    const messages = { message: { key: "{app} is not installed", parameters: { app: "tor" } } };
    const error = { message: "tor is not installed", data: { messages } };
    Socket.last.notifies("ended", { subscription: 1, error });
    await speak("de");
    onTestFinished(() => speak("en"));
    await frame();
    expect(page.text()).toContain("tor ist nicht installiert");
  });

  const at = (second: number) => ({ at: `2026-01-01T00:00:0${second}Z` });
  const texts = (page: VueWrapper) => page.findAll("[role=log] > div > span").map((one) => one.text());

  async function reconnect(): Promise<void> {
    Socket.last.closes();
    await vi.advanceTimersByTimeAsync(1_000);
    Socket.last.opens();
    Socket.last.grants();
  }

  it("shows no line twice where the connection was lost", async () => {
    const page = await logs();
    await come(["one"], at(1));
    await come(["two"], at(2));
    await reconnect();
    await come(["two"], at(2));
    await come(["three"], at(3));
    expect(texts(page)).toEqual(["one", "two", "three"]);
  });

  it("says where lines may be missing, when more came than are told again", async () => {
    const page = await logs();
    await come(["one"], at(1));
    await reconnect();
    await come(["five"], at(5));
    expect(texts(page)).toEqual(["one", words("app.logGap"), "five"]);
  });

  it("says so once, and not of a container that was silent while the lines of another one come again", async () => {
    const page = await logs({ containers: containers("server", "database") });
    await come(["stored"], { container: "database", ...at(1) });
    await come(["asked"], { container: "server", ...at(2) });
    await reconnect();
    await come(["asked"], { container: "server", ...at(2) });
    await come(["stored again"], { container: "database", ...at(3) });
    expect(texts(page)).toEqual(["stored", "asked", "stored again"]);
    await reconnect();
    await come(["asked more"], { container: "server", ...at(8) });
    await come(["stored more"], { container: "database", ...at(9) });
    expect(texts(page)).toEqual(["stored", "asked", "stored again", words("app.logGap"), "asked more", "stored more"]);
  });

  it("is no longer followed when nobody looks at it", async () => {
    begin();
    const { router } = await mounted(AppLogs, { status: status() });
    connect();
    await router.push("/system");
    await frame();
    expect(Socket.last.asks("unsubscribe")).toEqual([{ subscription: 1 }]);
  });
});

describe("a search in the log", () => {
  it("shows what holds the text, which is marked", async () => {
    const page = await logs();
    await come(["Warning: WARNING", "fine", "a warning"]);
    await search(page, "warning");
    expect(shown(page)).toEqual(["Warning: WARNING", "a warning"]);
    expect(page.findAll("mark").map((one) => one.text())).toEqual(["Warning", "WARNING", "warning"]);
    await come(["fine", "one more warning"]);
    expect(shown(page)).toHaveLength(3);
  });

  it("leaves a log held that was held before it", async () => {
    const page = await logs();
    await come(["a warning"]);
    await button(page, words("app.pause"))?.trigger("click");
    await search(page, "warning");
    await come(["one more warning"]);
    expect(shown(page)).toEqual(["a warning"]);
    expect(button(page, words("app.newLines", { n: 1 }, 1))).toBeDefined();
  });

  it("says where nothing holds it, and shows everything again without it", async () => {
    const page = await logs();
    await come(["one", "two"]);
    await search(page, "three");
    expect(page.text()).toContain(words("app.notFound"));
    await search(page, "");
    expect(shown(page)).toEqual(["one", "two"]);
  });
});

describe("a search that takes long", () => {
  /** Lines that are looked at in one slice, and that are shown at once. */
  const SLICE = 500;
  const newest = Array.from({ length: SLICE }, (_, at) => `line ${3 * SLICE + at}`);

  const lines = Array.from({ length: 4 * SLICE }, (_, at) => `line ${at}`);
  const PAUSE = 150;

  beforeEach(() => {
    let time = 0;
    vi.spyOn(performance, "now").mockImplementation(() => (time += 5)); // a slice takes its whole time
  });

  /** Shows a log in which a search has come no further than the newest lines. */
  async function searching(text = "line", found = SLICE) {
    const page = await logs({ containers: containers("server", "database") });
    await come(lines);
    await page.get("input").setValue(text);
    await vi.advanceTimersByTimeAsync(PAUSE);
    expect(page.text()).toContain(words("app.searching", { n: found }));
    return page;
  }
  const over = () => vi.advanceTimersByTimeAsync(500);
  const saysAll = words("app.lines", { n: "2,000" }, 4 * SLICE);

  it("shows the newest lines all the time, and says when it is over", async () => {
    const page = await searching();
    expect(shown(page)).toEqual(newest);
    await over();
    expect(shown(page)).toEqual(newest);
    expect(page.text()).toContain(saysAll);
  });

  it("does not go on for ever where another container is chosen", async () => {
    const page = await searching();
    await chooseContainer(page, "database");
    await over();
    expect(page.text()).toContain(words("app.lines", { n: 0 }, 0));
    expect(page.text()).toContain(words("app.notFound"));
  });

  it("is not over because the one before it is", async () => {
    const page = await searching("no such line", 0);
    await page.get("input").setValue("line 0");
    await vi.advanceTimersByTimeAsync(PAUSE - 1);
    expect(page.text()).toContain(words("app.searching", { n: 0 }));
    expect(page.text()).not.toContain(words("app.notFound"));
    await vi.advanceTimersByTimeAsync(1);
    expect(page.text()).not.toContain(words("app.notFound"));
    await over();
    expect(shown(page)).toEqual(["line 0"]);
    expect(page.text()).toContain(words("app.lines", { n: 1 }, 1));
  });

  it("has found nothing only once it is over, where another container is chosen in the pause before it, too", async () => {
    const page = await logs({ containers: containers("server", "database") });
    await page.get("input").setValue("no such line");
    await chooseContainer(page, "database");
    await come(lines, {}, Socket.last.grants());
    await vi.advanceTimersByTimeAsync(PAUSE - 50);
    expect(page.text()).toContain(words("app.searching", { n: 0 }));
    expect(page.text()).not.toContain(words("app.notFound"));
    await over();
    expect(page.text()).toContain(words("app.notFound"));
  });

  it("does not move a log that is held meanwhile", async () => {
    const page = await searching();
    await button(page, words("app.pause"))?.trigger("click");
    await come(["line after it"]);
    await over();
    expect(shown(page)).toEqual(newest);
    expect(button(page, words("app.newLines", { n: 1 }, 1))).toBeDefined();
  });

  it("does not move what somebody reads who has scrolled up meanwhile", async () => {
    const page = await searching();
    const box = page.get("[role=log]");
    vi.spyOn(box.element, "scrollHeight", "get").mockReturnValue(10_000);
    box.element.scrollTop = 4_000;
    await box.trigger("scroll");
    await over();
    expect(shown(page)).toEqual(newest);
    expect(box.element.scrollTop).toBe(4_000);
    expect(page.text()).toContain(saysAll);
  });

  it("does not move what somebody reads where it has found little until then, either", async () => {
    const page = await searching("00", 5);
    const box = page.get("[role=log]");
    vi.spyOn(box.element, "scrollHeight", "get").mockImplementation(() => 20 * shown(page).length);
    const fromEnd = () => box.element.scrollHeight - box.element.scrollTop;
    box.element.scrollTop = 20;
    await box.trigger("scroll");
    await over();
    expect(shown(page).length).toBeGreaterThan(5);
    expect(fromEnd()).toBe(80);
  });

  it("goes on to follow, though the list becomes short for a moment and the browser tells so later", async () => {
    const page = await logs();
    await come(Array.from({ length: 20_000 }, (_, at) => `line ${at}`));
    const box = page.get("[role=log]");
    vi.spyOn(box.element, "scrollHeight", "get").mockImplementation(() => 20 * box.findAll(":scope > div").length);
    vi.spyOn(box.element, "clientHeight", "get").mockReturnValue(40);
    await page.get("input").setValue("00");
    await vi.advanceTimersByTimeAsync(PAUSE);
    box.element.scrollTop = Math.min(box.element.scrollTop, box.element.scrollHeight - 40); // no browser scrolls beyond the end
    await vi.advanceTimersByTimeAsync(5);
    await box.trigger("scroll");
    await over();
    await come(["line 00"]);
    expect(button(page, words("app.newLines", { n: 1 }, 1))).toBeUndefined();
  });
});

describe("a log that is held", () => {
  it("does not move, and says how much has come, until somebody follows again", async () => {
    const page = await logs();
    await come(["one"]);
    await button(page, words("app.pause"))?.trigger("click");
    await come(["two", "three"]);
    expect(shown(page)).toEqual(["one"]);
    await button(page, words("app.newLines", { n: 2 }, 2))?.trigger("click");
    expect(shown(page)).toEqual(["one", "two", "three"]);
    expect(button(page, words("app.pause"))).toBeDefined();
  });

  it("shows earlier lines than the newest on request", async () => {
    const page = await logs();
    await come(Array.from({ length: 700 }, (_, at) => `line ${at}`));
    expect([shown(page).length, shown(page)[0]]).toEqual([500, "line 200"]);
    await button(page, words("app.earlier"))?.trigger("click");
    await frame();
    expect([shown(page).length, shown(page)[0]]).toEqual([700, "line 0"]);
  });
});

describe("lines that came too fast to be passed on", () => {
  it("are counted where they are missing", async () => {
    const page = await logs();
    await come(["one"]);
    await come(["two"], { missing: 1234 });
    expect(shown(page)).toEqual(["one", words("app.logMissing", { n: "1,234" }, 1234), "two"]);
  });
});
