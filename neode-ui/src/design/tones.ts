/** What a colour says: nothing, that it can be pressed, that all is well, that something is going on, that something is lost. */
export type Tone = "plain" | "accent" | "good" | "wait" | "bad";
