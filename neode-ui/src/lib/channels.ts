import type { Channel, ChannelSettings } from "../api/types";
import type { Language } from "../i18n";

type Target = ChannelSettings["target"];
export type ChannelKind = Target["kind"];
export const KINDS: ChannelKind[] = ["ntfy", "email", "webhook"];

/** What is typed of a channel, of whichever kind it becomes. */
export interface Draft {
  id?: string;
  kind: ChannelKind;
  name: string;
  least: ChannelSettings["least"];
  resolved: boolean;
  language: Language;
  server: string;
  topic: string;
  host: string;
  port: number;
  security: "tls" | "starttls";
  user: string;
  sender: string;
  to: string;
  url: string;
  /** What is typed; a secret that is there stays where this is empty. */
  secret: string;
}

/** Returns a topic that nobody guesses: whoever knows it can read what is sent there. */
export function newTopic(
  random: (bytes: Uint8Array<ArrayBuffer>) => unknown = (bytes) => crypto.getRandomValues(bytes),
): string {
  const bytes = new Uint8Array(10);
  random(bytes);
  return `node-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Returns the draft of a channel, or of a new one of a kind in a language. */
export function draftOf(channel: Channel | ChannelKind, name = "", language: Language = "en"): Draft {
  const empty: Draft = {
    kind: "ntfy",
    name,
    least: "warning",
    resolved: true,
    language,
    server: "https://ntfy.sh",
    topic: newTopic(),
    host: "",
    port: 465,
    security: "tls",
    user: "",
    sender: "",
    to: "",
    url: "",
    secret: "",
  };
  if (typeof channel === "string") return { ...empty, kind: channel };
  const { target, ...rest } = channel.settings;
  return { ...empty, ...rest, ...target, id: channel.id };
}

/** Returns what the node stores of a draft. */
export function settingsOf(draft: Draft): ChannelSettings {
  const { name, least, resolved, language } = draft;
  return { name: name.trim(), least, resolved, language, target: targetOf(draft) };
}

function targetOf(draft: Draft): Target {
  switch (draft.kind) {
    case "ntfy":
      return { kind: "ntfy", server: draft.server.trim(), topic: draft.topic.trim() };
    case "email": {
      const { port, security } = draft;
      const [host, user, sender, to] = [draft.host, draft.user, draft.sender, draft.to].map((text) => text.trim());
      return { kind: "email", host: host!, port, security, user: user!, sender: sender!, to: to! };
    }
    case "webhook":
      return { kind: "webhook", url: draft.url.trim() };
  }
}

/** Returns where a channel leads to, for people. */
export function placeOf({ target }: ChannelSettings): string {
  switch (target.kind) {
    case "ntfy":
      return `${host(target.server)} · ${target.topic}`;
    case "email":
      return target.to;
    case "webhook":
      return host(target.url);
  }
}

function host(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}
