/** A piece of a text of the page: `strong` where it was between two asterisks on each side. */
export interface Emphasised {
  strong: boolean;
  text: string;
}

/** Returns the pieces of "Press **Save**, and wait"; an asterisk pair without an end is text. */
export function emphasised(text: string): Emphasised[] {
  return text
    .split(/\*\*(.+?)\*\*/)
    .map((piece, at) => ({ strong: at % 2 === 1, text: piece }))
    .filter((piece) => piece.text);
}
