/** Returns `count` different places in a phrase of `length` words, in order; `random()` is from 0 to below 1. */
export function placesToAsk(length: number, count: number, random: () => number = Math.random): number[] {
  const places = Array.from({ length }, (_, at) => at);
  const chosen: number[] = [];
  while (chosen.length < count && places.length) {
    chosen.push(...places.splice(Math.floor(random() * places.length), 1));
  }
  return chosen.sort((one, other) => one - other);
}

/** Tells whether the words that were typed are those at the places that were asked for. */
export function isRemembered(words: string[], places: number[], typed: string[]): boolean {
  return places.every((place, at) => words[place] === typed[at]?.trim().toLowerCase());
}

/** Returns the words of a phrase as somebody has typed or pasted it, with numbers and commas between them or not. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+/g) ?? [];
}
