import { expect, it } from "vitest";
import type { Component } from "vue";
import DesignView from "../../src/design/page/DesignView.vue";
import { begin, mounted } from "./mounted";

const COMPONENTS = import.meta.glob<Component>("../../src/design/components/Base*.vue", {
  eager: true,
  import: "default",
});

it("shows every base component, those that lie over the page after a click", async () => {
  begin();
  const { page } = await mounted(DesignView, {});
  const missing = Object.entries(COMPONENTS).filter(([, one]) => !page.findComponent(one).exists());
  expect(missing.map(([path]) => path.replace(/.*\//, ""))).toEqual(["BaseConfirm.vue", "BaseDialog.vue"]);
  for (const name of ["A sheet", "Something lost for good"])
    await page
      .findAll("button")
      .find((one) => one.text() === name)!
      .trigger("click");
  expect(missing.filter(([, one]) => !page.findComponent(one).exists())).toEqual([]);
});
