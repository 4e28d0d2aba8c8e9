import { mount } from "@vue/test-utils";
import { describe, expect, it } from "vitest";
import AppMark from "../../src/components/AppMark.vue";

const KNOTS = { app: "bitcoin-knots", name: "bitcoin Knots", icon: "v1" };

describe("the mark of an app", () => {
  it("is its icon, of the version that the node has", () => {
    const mark = mount(AppMark, { props: KNOTS });
    expect(mark.get("img").attributes("src")).toBe("/icons/bitcoin-knots?v=v1");
    expect(mark.get("img").attributes("alt")).toBe(""); // its name is always next to it
    expect(mark.find("span").exists()).toBe(false);
  });

  it("is its first letter where it has no icon", () => {
    expect(mount(AppMark, { props: { ...KNOTS, icon: null } }).text()).toBe("B");
    expect(mount(AppMark, { props: { ...KNOTS, icon: undefined, name: "  mempool" } }).text()).toBe("M");
  });

  it("is its first letter where the icon is broken, until there is another", async () => {
    const mark = mount(AppMark, { props: KNOTS });
    await mark.get("img").trigger("error");
    expect(mark.find("img").exists()).toBe(false);
    expect(mark.text()).toBe("B");
    await mark.setProps({ icon: "v2" });
    expect(mark.get("img").attributes("src")).toBe("/icons/bitcoin-knots?v=v2");
  });

  it("has a colour that is always the same, and hidden from those who listen", () => {
    const style = (app: string) => mount(AppMark, { props: { app, name: "X", icon: null } }).get("[aria-hidden=true]").attributes("style");
    expect(style("lnd")).toBe(style("lnd"));
    expect(style("lnd")).not.toBe(style("electrumx"));
  });
});
