import { mount } from "@vue/test-utils";
import { describe, expect, it } from "vitest";
import ChainProgress from "../../src/components/ChainProgress.vue";
import { i18n } from "../../src/i18n";
import { sync } from "../samples";
import { words } from "./mounted";

function chain(own: Parameters<typeof sync>[0]) {
  return mount(ChainProgress, { props: { chain: sync(own) }, global: { plugins: [i18n] } });
}

const BEHIND = { height: 450_000, headers: 900_000, percent: 41.256, initial_block_download: true };

describe("a chain that is behind", () => {
  it("shows how far it is and how long it still takes", () => {
    const shown = chain({ ...BEHIND, seconds_left: 7200 });
    expect(shown.text()).toContain(words("home.block", { height: "450,000" }));
    expect(shown.text()).toContain(
      words("home.syncing", { percent: "41.26%", headers: "900,000", left: words("home.left", { time: "2 hours" }) }),
    );
    expect(shown.get("[role=progressbar]").attributes("aria-valuenow")).toBe("41");
  });

  it("says so where nobody knows how long it still takes", () => {
    expect(chain(BEHIND).text()).toContain(words("home.unknownLeft"));
  });

  it("is behind after it was away, too", () => {
    const shown = chain({ height: 899_000, headers: 900_000, percent: 99.9, initial_block_download: false });
    expect(shown.find("[role=progressbar]").exists()).toBe(true);
  });
});

describe("a chain that is in step", () => {
  it("shows its height and no bar", () => {
    const shown = chain({});
    expect(shown.text()).toContain(words("home.block", { height: "900,000" }));
    expect(shown.text()).toContain(words("home.synced"));
    expect(shown.find("[role=progressbar]").exists()).toBe(false);
  });

  it("stays so while the next block is on its way", () => {
    expect(chain({ height: 899_999, percent: 99.999 }).find("[role=progressbar]").exists()).toBe(false);
  });
});

describe("a chain that stands still", () => {
  it("says since when, and neither that it is in step nor how long it still takes", () => {
    const shown = chain({ stale: true, percent: 99.7, tip_at: new Date(Date.now() - 21 * 86_400_000).toISOString() });
    expect(shown.text()).toContain(words("home.stale", { tip: "21 days ago" }));
    expect(shown.text()).not.toContain(words("home.synced"));
    expect(shown.find("[role=progressbar]").exists()).toBe(false);
  });
});

describe("its peers", () => {
  it("are counted where it tells", () => {
    for (const peers of [0, 1, 12]) expect(chain({ peers }).text()).toContain(words("home.peers", { n: peers }, peers));
    expect(chain({ peers: null }).findAll("p")).toHaveLength(2);
  });

  it("are missed where there is none, except by a chain of one's own", () => {
    const colour = (name: string) => chain({ peers: 0, chain: name }).findAll("p").at(-1)?.classes("!text-wait");
    expect(colour("mainnet")).toBe(true);
    expect(colour("regtest")).toBe(false);
  });
});
