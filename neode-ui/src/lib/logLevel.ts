import type { LogLine } from "../api/types";

/** How serious a line is, the least first. */
export const LEVELS = ["debug", "info", "warning", "error"] as const;
export type Level = (typeof LEVELS)[number];

/** A level is named near the start of a line; further on the word is part of a sentence. */
const NEAR_START = 160;
const MEANS: Record<string, Level> = {
  ...{ trace: "debug", trc: "debug", debug: "debug", dbg: "debug" },
  ...{ info: "info", inf: "info", notice: "info", warning: "warning", warn: "warning", wrn: "warning" },
  ...{
    error: "error",
    err: "error",
    severe: "error",
    critical: "error",
    crit: "error",
    fatal: "error",
    panic: "error",
  },
};
const WORDS = Object.keys(MEANS).join("|");
/** In capitals; or after `level=`, a bracket, or `[net:`; or before a colon. What stands first in the line counts. */
const NAMED = new RegExp(
  `\\b(${WORDS.toUpperCase()})\\b|(?:level"?[=:] ?"?|[[<(|] ?(?:\\w+:)?)(${WORDS})\\b|\\b(${WORDS}) ?:`,
);
const NAMED_CAPITALISED = /^(?:\S+ )?(Error|Warning|Fatal|Critical|Debug|Info)\b/;

/** Guesses how serious a line is from what apps commonly write. Many write all of it to stderr, so that alone says nothing. */
export function levelOf({ text }: Pick<LogLine, "text">): Level {
  const start = text.slice(0, NEAR_START);
  const named = (NAMED.exec(start) ?? NAMED_CAPITALISED.exec(start))?.slice(1).find(Boolean);
  return (named && MEANS[named.toLowerCase()]) || "info";
}

/** Tells whether a line is at least so serious. */
export function isAtLeast(line: Pick<LogLine, "text">, least: Level): boolean {
  return least === "debug" || LEVELS.indexOf(levelOf(line)) >= LEVELS.indexOf(least);
}
