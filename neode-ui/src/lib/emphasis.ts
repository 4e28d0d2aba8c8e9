/** A piece of a text of the page: what is read on a button, what is typed, or neither. */
export interface Emphasised {
  kind: "plain" | "strong" | "code";
  text: string;
}

/** Returns the pieces of "Press **Save**, or type `make`"; a mark without its end is text. */
export function emphasised(text: string): Emphasised[] {
  return text
    .split(/\*\*(.+?)\*\*|`(.+?)`/)
    .map((piece, at) => ({ kind: KINDS[at % KINDS.length] ?? "plain", text: piece ?? "" }))
    .filter((piece) => piece.text);
}

/** What `split` returns in turn: the text before a mark, and what is between marks of each kind. */
const KINDS = ["plain", "strong", "code"] as const;
