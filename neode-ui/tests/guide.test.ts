import { describe, expect, it } from "vitest";
import pages from "virtual:guide";
import { headingsOf } from "../src/lib/guide/headings";
import { pageOf } from "../src/lib/guide/pages";
import { ERRORS, MESSAGES, PAGES } from "../src/lib/guide/topics";

const texts = import.meta.glob<string>("../../docs/guide/*.md", { query: "?raw", import: "default", eager: true });
const anchors = new Set(
  Object.entries(texts).flatMap(([path, text]) => {
    const page = path.split("/").at(-1)?.slice(0, -3) ?? "";
    return [page, ...headingsOf(text).map((one) => `${page}#${one.anchor}`)];
  }),
);

describe("the guide", () => {
  it("has a page and a heading for whatever leads to it", () => {
    expect(pages.length).toBe(Object.keys(texts).length);
    for (const topic of [...Object.values(PAGES), ...Object.values(ERRORS), MESSAGES]) expect(anchors).toContain(topic);
    for (const text of Object.values(texts))
      for (const [, target = ""] of text.matchAll(/\]\((\w+)\.md/g)) expect(anchors).toContain(target);
    for (const text of Object.values(texts))
      for (const [, page, heading] of text.matchAll(/\]\((\w+)\.md#([\w-]+)\)/g))
        expect(anchors).toContain(`${page}#${heading}`);
  });

  it("is shown with anchors, links of the page, and no HTML of its own", async () => {
    const html = (await pageOf("apps")) ?? "";
    expect(html).toContain('<h2 id="installing"');
    expect(html).toContain('href="/help/access#opening-an-app-to-the-home-network"');
    expect(await pageOf("nothing")).toBeUndefined();
  });
});
