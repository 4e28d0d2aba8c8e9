/** Returns a text in parts; every second one is what is looked for, whatever its case. */
export function marked(text: string, wanted: string): string[] {
  const needle = wanted.toLowerCase();
  const lower = text.toLowerCase();
  if (!needle || lower.length !== text.length) return [text]; // a letter that is two in the other case
  const all: string[] = [];
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    all.push(text.slice(from, at), text.slice(at, at + needle.length));
    from = at + needle.length;
  }
  return [...all, text.slice(from)];
}
