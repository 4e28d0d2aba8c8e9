/** How wide a card of Home likes to be: half of the page, somewhat more than that, or all of it. */
export type Width = "half" | "more" | "full";

const COLUMNS = 12;
const WANTED = { half: 6, more: 7, full: COLUMNS };

/** Returns the columns, of twelve, for cards in their order: two that fit share a row, and one that is alone takes all of it. */
export function spansOf(widths: readonly Width[]): number[] {
  const spans: number[] = [];
  for (let at = 0; at < widths.length;) {
    const [one = "full", other] = [widths[at], widths[at + 1]];
    if (one === "full" || other === undefined || other === "full") {
      spans.push(COLUMNS);
      at += 1;
      continue;
    }
    const left = one === other ? WANTED.half : one === "more" ? WANTED.more : COLUMNS - WANTED.more;
    spans.push(left, COLUMNS - left);
    at += 2;
  }
  return spans;
}
