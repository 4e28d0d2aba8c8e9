import { describe, expect, it } from "vitest";
import type { Channel } from "../src/api/types";
import { draftOf, newTopic, placeOf, settingsOf } from "../src/lib/channels";

const channel = (target: Channel["settings"]["target"]): Channel => ({
  id: "0123456789abcdef",
  settings: { name: "mine", target, least: "error", resolved: false, language: "fr" },
  secret_set: true,
  waiting: 0,
  sent_at: null,
  failures: 0,
  problem: "",
});
const TARGETS: Array<Channel["settings"]["target"]> = [
  { kind: "ntfy", server: "https://ntfy.sh", topic: "node" },
  {
    kind: "email",
    host: "smtp.example.com",
    port: 587,
    security: "starttls",
    user: "me",
    sender: "node@example.com",
    to: "me@example.com",
  },
  { kind: "webhook", url: "https://example.com/hook?key=1" },
];

describe("a channel", () => {
  it.each(TARGETS)("of kind $kind is typed and stored as it was, and its secret is not in the form", (target) => {
    const draft = draftOf(channel(target));
    expect(draft.secret).toBe("");
    expect(draft.id).toBe("0123456789abcdef");
    expect(settingsOf(draft)).toEqual(channel(target).settings);
  });

  it("speaks the language of the page where it is added, and keeps its own one", () => {
    expect(settingsOf({ ...draftOf("webhook", "hook", "ja"), url: "https://example.com/" }).language).toBe("ja");
    expect(settingsOf(draftOf(channel(TARGETS[0]!), "", "ja")).language).toBe("fr");
  });

  it("loses the spaces around what was typed", () => {
    const draft = { ...draftOf("webhook", " hook "), url: " https://example.com/ " };
    expect(settingsOf(draft)).toMatchObject({ name: "hook", target: { url: "https://example.com/" } });
  });

  it("gets a topic that nobody guesses", () => {
    expect(newTopic((bytes) => bytes.fill(10))).toBe(`node-${"0a".repeat(10)}`);
    expect(newTopic()).toMatch(/^node-[0-9a-f]{20}$/);
    expect(newTopic()).not.toBe(newTopic());
  });

  it("is shown by where it leads to, without what may be secret in an address", () => {
    expect(TARGETS.map((target) => placeOf(channel(target).settings))).toEqual([
      "ntfy.sh · node",
      "me@example.com",
      "example.com",
    ]);
  });
});
