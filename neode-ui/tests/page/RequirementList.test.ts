import { describe, expect, it } from "vitest";
import RequirementList from "../../src/components/RequirementList.vue";
import { useContainers } from "../../src/stores/container";
import { begin, mounted, words } from "./mounted";
import { entry, system } from "../samples";

const GIB = 1024 ** 3;

async function list(own: Parameters<typeof entry>[0], host: Parameters<typeof system>[0] | null = {}) {
  begin();
  if (host) useContainers().system = system(host);
  const { page } = await mounted(RequirementList, { entry: entry(own) });
  return page.findAll("li").map((one) => ({ text: one.text(), met: one.get("svg").attributes("aria-label") }));
}

describe("what an app needs of the host", () => {
  it("is said where it is not there, with how much is", async () => {
    expect(await list({ memory: 2 * GIB, disk: 700 * GIB }, { memory: 8 * GIB, disk_free: 90 * GIB })).toEqual([
      {
        text: `${words("store.need.disk", { amount: "700 GiB" })} (${words("store.there", { amount: "90 GiB" })})`,
        met: words("common.no"),
      },
    ]);
  });

  it("names the machines on which it runs where this is none of them", async () => {
    expect(await list({ architectures: ["amd64"] }, { architecture: "arm64" })).toEqual([
      {
        text: `${words("store.need.architecture", { amount: "amd64" })} (${words("store.there", { amount: "arm64" })})`,
        met: words("common.no"),
      },
    ]);
  });

  it("is not said where it asks for nothing, or nothing is known of the host", async () => {
    expect(await list({})).toEqual([]);
    expect(await list({ memory: 2 * GIB }, null)).toEqual([]);
  });
});
