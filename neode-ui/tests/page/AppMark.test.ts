import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { forgetIcons, iconOf } from "../../src/api/icons";
import { dropSecret, keepSecret } from "../../src/api/secret";
import AppMark from "../../src/components/AppMark.vue";
import { Later } from "../standIn";
import { until } from "../until";

const KNOTS = { app: "bitcoin-knots", name: "bitcoin Knots", icon: "v1" };
const SVG = new Blob(["<svg/>"], { type: "image/svg+xml" });
const PICTURE = `data:image/svg+xml;base64,${btoa("<svg/>")}`;

/** Stands in for the browser's: a test says what is seen. */
class Sight {
  static all: Sight[] = [];
  seen: Element[] = [];
  constructor(private readonly take: (entries: Array<{ isIntersecting: boolean }>) => void) {
    Sight.all.push(this);
  }
  observe(element: Element): void {
    this.seen.push(element);
  }
  disconnect(): void {
    this.seen = [];
  }
  static scroll(): void {
    for (const one of Sight.all) if (one.seen.length) one.take([{ isIntersecting: true }]);
  }
}

const fetched = vi.fn(
  async (_address: string, _how: RequestInit) =>
    ({ ok: true, status: 200, blob: async () => SVG }) as unknown as Response,
);

beforeEach(() => {
  Sight.all = [];
  vi.stubGlobal("IntersectionObserver", Sight);
  // What else the page asks of the node meanwhile, it gets no answer to, and is not counted.
  vi.stubGlobal("fetch", (address: string, how: RequestInit) =>
    address.startsWith("/icons/") ? fetched(address, how) : new Promise<Response>(() => undefined),
  );
  keepSecret("archs_sesame");
});
afterEach(() => {
  vi.unstubAllGlobals();
  fetched.mockClear();
  forgetIcons();
  dropSecret();
});

const pictureOf = (mark: VueWrapper) => until(() => mark.get("img").attributes("src"));
const lettersOf = (mark: VueWrapper) => until(() => mark.get("[aria-hidden=true]").text());

describe("the mark of an app", () => {
  it("is its icon, of the version that the node has, which is told who asks", async () => {
    const mark = mount(AppMark, { props: KNOTS });
    expect(mark.text()).toBe("");
    Sight.scroll();
    expect(await pictureOf(mark)).toBe(PICTURE);
    expect(mark.get("img").attributes("alt")).toBe(""); // its name is always next to it
    expect(fetched.mock.calls).toMatchObject([
      ["/icons/bitcoin-knots?v=v1", { credentials: "omit", headers: { Authorization: "Bearer archs_sesame" } }],
    ]);
  });

  it("is asked for once it is seen, and once for all places where it is", async () => {
    mount(AppMark, { props: KNOTS });
    await flushPromises();
    expect(fetched).not.toHaveBeenCalled();
    const other = mount(AppMark, { props: { ...KNOTS, small: true } });
    Sight.scroll();
    expect(await pictureOf(other)).toBe(PICTURE);
    expect(fetched).toHaveBeenCalledOnce();
  });

  it("says that it is still to come while it is fetched", async () => {
    const slow = new Later<Response>();
    fetched.mockReturnValueOnce(slow.promise);
    const mark = mount(AppMark, { props: KNOTS });
    expect(mark.attributes("aria-busy")).toBeUndefined(); // nobody sees it, and nothing is fetched
    Sight.scroll();
    await flushPromises();
    expect(mark.attributes("aria-busy")).toBe("true");
    slow.give({ ok: true, blob: async () => SVG } as unknown as Response);
    await pictureOf(mark);
    expect(mark.attributes("aria-busy")).toBeUndefined();
  });

  it("is its first letter where it has no icon", () => {
    expect(mount(AppMark, { props: { ...KNOTS, icon: null } }).text()).toBe("B");
    expect(mount(AppMark, { props: { ...KNOTS, icon: undefined, name: "  mempool" } }).text()).toBe("M");
  });

  it("is its first letter where the icon is broken, until there is another", async () => {
    const mark = mount(AppMark, { props: KNOTS });
    Sight.scroll();
    await pictureOf(mark);
    await mark.get("img").trigger("error");
    expect(mark.find("img").exists()).toBe(false);
    expect(mark.text()).toBe("B");
    await mark.setProps({ icon: "v2" });
    Sight.scroll();
    expect(await pictureOf(mark)).toBe(PICTURE);
    expect(fetched.mock.calls.at(-1)?.[0]).toBe("/icons/bitcoin-knots?v=v2");
  });

  it("is its first letter where the node has none to give, and asked for again later", async () => {
    fetched.mockResolvedValueOnce({ ok: false, status: 401 } as Response);
    const mark = mount(AppMark, { props: KNOTS });
    Sight.scroll();
    expect(await lettersOf(mark)).toBe("B");
    const later = mount(AppMark, { props: KNOTS });
    Sight.scroll();
    expect(await pictureOf(later)).toBe(PICTURE);
  });

  it("is never that of another app that was asked for before", async () => {
    const slow = new Later<Response>();
    fetched.mockReturnValueOnce(slow.promise);
    const mark = mount(AppMark, { props: KNOTS });
    Sight.scroll();
    await mark.setProps({ app: "lnd", name: "lnd", icon: null });
    slow.give({ ok: true, blob: async () => SVG } as unknown as Response);
    await iconOf("bitcoin-knots", "v1");
    await flushPromises();
    expect(mark.find("img").exists()).toBe(false);
    expect(mark.text()).toBe("L");
  });

  it("has a colour that is always the same, and hidden from those who listen", () => {
    const style = (app: string) =>
      mount(AppMark, { props: { app, name: "X", icon: null } })
        .get("[aria-hidden=true]")
        .attributes("style");
    expect(style("lnd")).toBe(style("lnd"));
    expect(style("lnd")).not.toBe(style("electrumx"));
  });
});
