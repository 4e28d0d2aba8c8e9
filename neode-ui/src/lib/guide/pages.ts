import MarkdownIt from "markdown-it";
import { anchorOf } from "./headings";

/** The pages of docs/guide, each fetched when somebody reads it. */
const TEXTS = import.meta.glob<string>("../../../../docs/guide/*.md", { query: "?raw", import: "default" });

// The node's own documents; HTML in them is shown as text all the same.
const markdown = new MarkdownIt({ html: false, linkify: false });
markdown.renderer.rules.heading_open = (tokens, at) => {
  const tag = tokens[at]?.tag ?? "h2";
  return `<${tag} id="${anchorOf(tokens[at + 1]?.content ?? "")}" tabindex="-1">`;
};
const link =
  markdown.renderer.rules.link_open ?? ((tokens, at, options, _, own) => own.renderToken(tokens, at, options));
markdown.renderer.rules.link_open = (tokens, at, options, env, own) => {
  const href = String(tokens[at]?.attrGet("href") ?? "");
  // Links between the documents are made for whoever reads the files; here each page has an address.
  tokens[at]?.attrSet("href", href.replace(/^(\w+)\.md/, "/help/$1"));
  return link(tokens, at, options, env, own);
};

/** Returns a page of the guide as HTML; undefined where there is none. */
export async function pageOf(page: string): Promise<string | undefined> {
  const text = await TEXTS[`../../../../docs/guide/${page}.md`]?.();
  return text === undefined ? undefined : markdown.render(text);
}
