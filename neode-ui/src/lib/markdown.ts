/** A piece of a line: plain text, or what is set as code. */
export interface Piece {
  code: boolean;
  text: string;
}

/** A paragraph, or a list with a line for each point; the lines have `pieces`. */
export interface Block {
  list: boolean;
  lines: string[];
}

const POINT = /^\s{0,3}[-*+]\s+/;

/**
 * Returns the pieces of a line of Markdown: code spans, and the rest as it is written (CommonMark, 6.1).
 * Nothing else has a meaning, so an app's author gets no link, no image and no HTML onto the node's own page.
 */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  const put = (code: boolean, text: string): void => {
    const last = found.at(-1);
    if (!code && last && !last.code) last.text += text;
    else if (text) found.push({ code, text });
  };
  for (let rest = text; rest;) {
    const [plain = ""] = /^[^`]*/.exec(rest) ?? [];
    put(false, plain);
    rest = rest.slice(plain.length);
    const [ticks = ""] = /^`*/.exec(rest) ?? [];
    if (!ticks) continue;
    const inside = rest.slice(ticks.length);
    const end = [...inside.matchAll(/`+/g)].find(([run]) => run.length === ticks.length);
    if (end) {
      const code = inside.slice(0, end.index);
      put(true, /^ .*\S.* $/s.test(code) ? code.slice(1, -1) : code);
      rest = inside.slice(end.index + ticks.length);
    } else {
      put(false, ticks);
      rest = inside;
    }
  }
  return found;
}

/** Returns the paragraphs and lists of a text whose lines were broken by its author's editor. */
export function blocks(text: string): Block[] {
  const found: Block[] = [];
  for (const part of text.split(/\n\s*\n/)) {
    const lines: Array<{ point: boolean; text: string }> = [];
    for (const line of part.split("\n").filter((one) => one.trim())) {
      const last = lines.at(-1);
      if (POINT.test(line)) lines.push({ point: true, text: line.replace(POINT, "") });
      else if (last) last.text += ` ${line}`;
      else lines.push({ point: false, text: line });
    }
    for (const line of lines) {
      const tidy = line.text.replace(/\s+/g, " ").trim();
      const last = found.at(-1);
      if (line.point && last?.list) last.lines.push(tidy);
      else found.push({ list: line.point, lines: [tidy] });
    }
  }
  return found;
}
