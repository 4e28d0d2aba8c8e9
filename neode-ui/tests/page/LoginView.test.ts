import { beforeEach, describe, expect, it, vi } from "vitest";
import { askingApp } from "../../src/lib/asking";
import { useSession } from "../../src/stores/session";
import LoginView from "../../src/views/LoginView.vue";
import { login } from "../samples";
import { begin, mounted, words } from "./mounted";

// It is drawn by a worker, and there are none here.
vi.mock("../../src/components/SeaBackdrop.vue", () => ({ default: () => null }));

const SITE = "https://specter-island.local:8443";
const ENTRANCE = `/enter?${new URLSearchParams({ site: SITE, state: "s" }).toString()}`;

beforeEach(() => {
  begin();
  useSession().status = { ...login(), user: null };
});

describe("the login", () => {
  it("says which app asks for it, and nothing of apps where none does", async () => {
    const { page: ordinary } = await mounted(LoginView, {});
    expect(ordinary.text()).toContain(words("login.hint"));
    const { page } = await mounted(LoginView, {}, `/?${new URLSearchParams({ to: ENTRANCE }).toString()}`);
    expect(page.text()).toContain(words("login.forApp", { site: "specter-island.local:8443" }));
    expect(page.text()).not.toContain(words("login.hint"));
  });

  it("takes nothing else for an app that asks", () => {
    expect(askingApp(ENTRANCE)).toBe("specter-island.local:8443");
    const wrong = [
      undefined,
      ["/enter?site=http://a.localhost"],
      "/apps?site=http://a.localhost",
      "/enter",
      "/enter?site=",
    ];
    for (const to of [...wrong, "/enter?site=a.localhost", "/enter?site=javascript:alert(1)", "/enter?site=http://"])
      expect(askingApp(to), String(to)).toBeUndefined();
  });
});
