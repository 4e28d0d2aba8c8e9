/** A heading of a page of the guide, and the name by which a link finds it. */
export interface Heading {
  text: string;
  anchor: string;
}

/** Returns the name of a heading in an address, as forges make it. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}\s-]/gu, "")
    .trim()
    .replace(/\s+/g, "-");

/** Returns the title of a page. */
export const titleOf = (text: string): string => /^# (.+)$/m.exec(text)?.[1] ?? "";

/** Returns the headings below the title. */
export const headingsOf = (text: string): Heading[] =>
  [...text.matchAll(/^## (.+)$/gm)].map(([, heading = ""]) => ({ text: heading, anchor: anchorOf(heading) }));
