import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import EnterView from "../../src/views/EnterView.vue";
import { answering, paramsOf, Refusal, type Answers } from "../standIn";
import { begin, mounted, words } from "./mounted";

// It is drawn by a worker, and there are none here.
vi.mock("../../src/components/SeaBackdrop.vue", () => ({ default: () => null }));
afterEach(() => vi.unstubAllGlobals());

const SITE = "https://specter-island.local:8443";

async function entered(answer: Answers["app-enter"]) {
  begin();
  const left = vi.fn<(address: string) => void>();
  vi.stubGlobal("location", { hostname: "island.local", pathname: "/", replace: left });
  const asked = answering({ "app-enter": answer });
  const query = new URLSearchParams({ site: SITE, state: "abc" });
  const { page } = await mounted(EnterView, {}, `/?${query.toString()}`);
  await flushPromises();
  return { page, left, asked };
}

describe("the way into an app", () => {
  it("goes on to where the node says, and nowhere else", async () => {
    const { page, left, asked } = await entered(() => ({ address: `${SITE}/.archipelago/login?code=x` }));
    expect(left).toHaveBeenCalledExactlyOnceWith(`${SITE}/.archipelago/login?code=x`);
    expect(paramsOf(asked, "app-enter")).toEqual([{ site: SITE, state: "abc" }]);
    expect(page.text()).toContain(words("enter.going", { site: SITE }));
  });

  it("says to whom the app is open where it is not to this account", async () => {
    const { page, left } = await entered(() => {
      throw new Refusal("forbidden", "you lack the permission 'apps'");
    });
    expect(left).not.toHaveBeenCalled();
    expect(page.get("h1").text()).toBe(words("enter.refused"));
    expect(page.get("[role=alert]").text()).toBe(words("enter.ownersOnly"));
    expect(page.text()).not.toContain("permission");
  });

  it("says what else the node says", async () => {
    const { page } = await entered(() => {
      throw new Refusal("invalid-value", "it is no page of an app");
    });
    expect(page.text()).toContain("it is no page of an app");
    expect(page.text()).not.toContain(words("enter.ownersOnly"));
  });
});
