/** A name as long as an app may have one, and one of that length without a space. */
export const LONG = "An app whose name is as long as a name of an app is allowed to b";
export const UNBROKEN = "Rechtsschutzversicherungsgesellschaftenverzeichnisdienstprogramm";
export const SENTENCE = "Validates every block and transaction by itself, and asks nobody else what is true.";

/** Choices of a list: a few, and more than a phone is wide. */
export const FEW = [
  { value: "day", text: "Day" },
  { value: "week", text: "Week" },
  { value: "year", text: "Year" },
] as const;
export const MANY = ["All", "Bitcoin", "Lightning", "Nostr", "Home", "Network", "Media", UNBROKEN].map((text) => ({
  value: text.toLowerCase(),
  text,
}));
