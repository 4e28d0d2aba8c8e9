import { beforeEach, describe, expect, it } from "vitest";
import { nextTick } from "vue";
import { useKept } from "../../src/lib/kept";

beforeEach(() => localStorage.clear());

describe("what somebody chose", () => {
  it("is the first choice until he chooses", () => {
    expect(useKept("layout", ["grid", "list"]).value).toBe("grid");
    expect(localStorage.length).toBe(0);
  });

  it("is there again when the page is", async () => {
    useKept("layout", ["grid", "list"]).value = "list";
    await nextTick();
    expect(useKept("layout", ["grid", "list"]).value).toBe("list");
    expect(localStorage.getItem("archipelago-layout")).toBe("list");
  });

  it("counts as the first where it is no choice any more", () => {
    localStorage.setItem("archipelago-layout", "cards");
    expect(useKept("layout", ["grid", "list"]).value).toBe("grid");
  });

  it("is kept by its name", async () => {
    useKept("layout", ["grid", "list"]).value = "list";
    await nextTick();
    expect(useKept("order", ["grid", "list"]).value).toBe("grid");
  });
});
