import type { Tone } from "../design/tones";

/** What an app gets that asks for nothing. */
export const HIGHEST_RATING = 8;

/** Returns the colour of a rating, which counts from 1 to the highest. */
export function toneOfRating(score: number): Extract<Tone, "good" | "wait" | "bad"> {
  if (score >= 6) return "good";
  return score >= 4 ? "wait" : "bad";
}
