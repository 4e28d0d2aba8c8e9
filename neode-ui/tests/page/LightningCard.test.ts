import { flushPromises } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LightningReport } from "../../src/api/types";
import AppOverview from "../../src/components/app/AppOverview.vue";
import LightningCard from "../../src/components/app/LightningCard.vue";
import { status } from "../samples";
import { answering, paramsOf } from "../standIn";
import { begin, mounted, words } from "./mounted";

const LND = status({ app: "lnd", name: "LND", reports_lightning: true });
const REPORT: LightningReport = {
  app: "lnd",
  at: "2026-01-01T00:00:00Z",
  running: true,
  alias: "archipelago",
  synced_to_chain: true,
  synced_to_graph: true,
  peers: 3,
  channels: { active: 2, inactive: 0, pending: 0 },
  can_send: 750_000,
  can_receive: 250_000,
  pending: 0,
  onchain: 9_000_000,
  onchain_unconfirmed: 0,
  fees: { day: 1, week: 20, month: 300 },
};

beforeEach(() => begin());
afterEach(() => vi.unstubAllGlobals());

async function card(own: Partial<LightningReport> = {}) {
  answering({ "lightning-report": () => ({ ...REPORT, ...own }) });
  const { page } = await mounted(LightningCard, { status: LND });
  await flushPromises();
  return page;
}

describe("the card of a Lightning node", () => {
  it("says what can be sent and received, what is on the chain, and what was earned", async () => {
    const page = await card();
    const text = page.text();
    for (const amount of ["750,000", "250,000", "9,000,000", "1", "20", "300"]) {
      expect(text).toContain(words("lightning.sat", { n: amount }));
    }
    expect(page.html()).toContain("width: 75%");
    for (const key of ["fact.pending", "fact.unconfirmed", "fact.inactive", "none", "waits.graph"]) {
      expect(text).not.toContain(words(`lightning.${key}`));
    }
  });

  it("says what is under way, and what it waits for", async () => {
    const text = (await card({ pending: 5_000, onchain_unconfirmed: 7, synced_to_graph: false })).text();
    expect(text).toContain(words("lightning.sat", { n: "5,000" }));
    expect(text).toContain(words("lightning.fact.unconfirmed"));
    expect(text).toContain(words("lightning.waits.graph"));
    expect((await card({ synced_to_chain: false, synced_to_graph: false })).text()).toContain(
      words("lightning.waits.chain"),
    );
  });

  it("says that there is no channel, and that it does not tell", async () => {
    const none = { channels: { active: 0, inactive: 0, pending: 0 }, can_send: 0, can_receive: 0 };
    expect((await card(none)).text()).toContain(words("lightning.none"));
    const nothing = { can_send: null, can_receive: null, channels: null, pending: null, onchain: null, fees: null };
    expect((await card(nothing)).text()).toContain(words("lightning.silent"));
  });
});

describe("the overview of an app", () => {
  it("asks for channels only where there is a Lightning node that runs", async () => {
    for (const [own, asks] of [
      [LND, 1],
      [{ ...LND, desired: "stopped" as const }, 0],
      [status({ app: "shop" }), 0],
    ] as const) {
      const asked = answering({ "lightning-report": () => REPORT });
      await mounted(AppOverview, { status: own });
      await flushPromises();
      expect(paramsOf(asked, "lightning-report")).toHaveLength(asks);
    }
  });
});
