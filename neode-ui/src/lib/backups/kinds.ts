import { Cable, Cloud, HardDrive, Server, SquareTerminal, type LucideIcon } from "@lucide/vue";
import type { Methods, TargetView } from "../../api/types";

export type TargetSettings = NonNullable<TargetView["settings"]>;
export type TargetKind = TargetSettings["kind"];

/** A line of the form of a kind of target: the texts `backup.field.<kind>.<name>` and, with `hint`, `backup.fieldHint.…`. */
export interface TargetField {
  /** Name of the setting. */
  name: string;
  type: "text" | "url" | "number";
  /** Whether nobody types it: the node says what it is. */
  hidden?: boolean;
  required?: boolean;
  hint?: boolean;
  /** What it looks like; no text, so it is the same in all languages. */
  example: string;
  pattern?: string;
}

/** How a kind of target is shown and asked for: the texts `backup.kind.<kind>` and `backup.kindHint.<kind>`. */
export interface KindOfTarget {
  icon: LucideIcon;
  /** What a new target is called. */
  name: string;
  fields: readonly TargetField[];
  /** Whether its login has a secret: the text `backup.secret.<kind>`. */
  secret?: "optional" | "required";
  /** Lines of the secret, and how long it may be, where it is no password. */
  secretLines?: number;
  /** Whether the machine says its key first (`backup-ssh`), to which the owner agrees. */
  introduced?: boolean;
}

/** All kinds, in the order in which they are offered; a new kind is one entry, and its texts. */
export const KINDS_OF_TARGETS: Record<TargetKind, KindOfTarget> = {
  folder: {
    icon: HardDrive,
    name: "usb",
    fields: [
      { name: "path", type: "text", required: true, hint: true, example: "/media/usb/archipelago", pattern: "/.+" },
    ],
  },
  sftp: {
    icon: SquareTerminal,
    name: "ssh",
    fields: [
      { name: "host", type: "text", required: true, example: "nas.local" },
      { name: "port", type: "number", example: "22" },
      { name: "user", type: "text", required: true, example: "backup" },
      { name: "path", type: "text", required: true, hint: true, example: "archipelago" },
      { name: "host_key", type: "text", hidden: true, example: "" },
    ],
    introduced: true,
  },
  rest: {
    icon: Server,
    name: "server",
    fields: [
      { name: "url", type: "url", required: true, hint: true, example: "https://backup.example.com:8000/node" },
      { name: "user", type: "text", example: "node" },
    ],
    secret: "optional",
  },
  s3: {
    icon: Cloud,
    name: "s3",
    fields: [
      { name: "url", type: "url", required: true, hint: true, example: "https://s3.example.com/bucket" },
      { name: "access_key", type: "text", required: true, example: "AKIA…" },
    ],
    secret: "required",
  },
  rclone: {
    icon: Cable,
    name: "cloud",
    fields: [
      { name: "remote", type: "text", required: true, hint: true, example: "mycloud", pattern: "[A-Za-z0-9_]{1,60}" },
      { name: "path", type: "text", example: "archipelago" },
    ],
    secret: "required",
    secretLines: 5,
  },
};

/** Tells whether this page knows a kind that the node named. */
export const isKnown = (kind: string): kind is TargetKind => kind in KINDS_OF_TARGETS;

/** What is typed of a target, the settings by their names. */
export interface TargetDraft {
  kind: TargetKind;
  name: string;
  typed: Record<string, string>;
  /** A secret that is there stays where this is empty. */
  secret: string;
  scheduled: boolean;
}

/** Returns the draft of a new target of a kind, called as no other one is. */
export function newTarget(kind: TargetKind, taken: readonly string[]): TargetDraft {
  const { name, fields } = KINDS_OF_TARGETS[kind];
  const free = [name, ...Array.from({ length: taken.length }, (_, at) => `${name}-${at + 2}`)];
  const typed = Object.fromEntries(fields.map((field) => [field.name, ""]));
  return { kind, name: free.find((each) => !taken.includes(each)) ?? name, typed, secret: "", scheduled: true };
}

/** Returns the draft of a target that is there; undefined where the node, or this page, cannot read its settings. */
export function draftOf({ name, settings, scheduled }: TargetView): TargetDraft | undefined {
  if (!settings || !isKnown(settings.kind)) return undefined;
  const known: Record<string, unknown> = { ...settings };
  const typed = KINDS_OF_TARGETS[settings.kind].fields.map((field) => [field.name, String(known[field.name] ?? "")]);
  return { kind: settings.kind, name, typed: Object.fromEntries(typed), secret: "", scheduled };
}

/** Returns what the node gets of a draft; settings that may be left out and are empty are. */
export function settingsOf({ kind, typed }: TargetDraft): TargetSettings {
  const given = KINDS_OF_TARGETS[kind].fields.flatMap((field) => {
    const value = (typed[field.name] ?? "").trim();
    if (!value && !field.required) return [];
    return [[field.name, field.type === "number" ? Number(value) : value]];
  });
  return { kind, ...Object.fromEntries(given) } as TargetSettings;
}

/** Returns what is different of a target: what stays is left out, so a schedule changes without the target being there. */
export function changeOf(
  before: TargetView,
  draft: TargetDraft,
): Omit<Methods["backup-target-change"]["params"], "target"> {
  const old = draftOf(before);
  const same = old && Object.entries(draft.typed).every(([name, value]) => value.trim() === old.typed[name]);
  return {
    ...(same ? {} : { settings: settingsOf(draft) }),
    ...(draft.secret ? { secret: draft.secret } : {}),
    ...(draft.scheduled === before.scheduled ? {} : { scheduled: draft.scheduled }),
  };
}
