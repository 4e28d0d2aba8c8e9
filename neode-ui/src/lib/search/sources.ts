import {
  Activity,
  BookOpen,
  CirclePlay,
  FileText,
  LogOut,
  Moon,
  RotateCw,
  Settings2,
  Square,
  Sun,
  type LucideIcon,
} from "@lucide/vue";
import guide from "virtual:guide";
import type { useI18n } from "vue-i18n";
import type { AppSummary, CatalogEntry, Operation, OptionView } from "../../api/types";
import { words } from "../../i18n/node";
import { PLACES } from "../../shell/places";
import { ago } from "../format";
import { toTopic } from "../guide/topics";
import type { Entry } from "./entry";

type Translate = ReturnType<typeof useI18n>["t"];

/** Settings of the node that are not those of an app: where each is, and by which other words one looks for it. */
const SETTINGS: ReadonlyArray<{ key: string; place: "backups" | "security" | "system"; words: string }> = [
  { key: "restore.title", place: "backups", words: "recover bring back lost" },
  { key: "kit.title", place: "backups", words: "print paper recovery words" },
  { key: "security.second", place: "security", words: "2fa totp authenticator otp" },
  { key: "security.passkeys", place: "security", words: "webauthn fido yubikey" },
  { key: "security.sessions", place: "security", words: "devices logout" },
  { key: "security.changePassword", place: "security", words: "passphrase" },
  { key: "security.phrase", place: "security", words: "seed mnemonic 24 words" },
  { key: "security.accounts", place: "security", words: "users roles people" },
  { key: "security.tokens", place: "security", words: "api programs" },
  { key: "security.audit", place: "security", words: "log history who" },
  { key: "system.network", place: "system", words: "lan wifi https certificate address" },
  { key: "channel.title", place: "system", words: "ntfy push email mail webhook alerts notices" },
  { key: "system.doctor", place: "system", words: "check health problems" },
  { key: "resources.title", place: "system", words: "memory cpu limits" },
  { key: "power.title", place: "system", words: "shutdown reboot turn off" },
];

/** Returns the places of the page, and what can be set there. */
export function placesOf(t: Translate): Entry[] {
  return [
    ...PLACES.map(({ name, icon }): Entry => ({
      id: `place ${name}`,
      group: "place",
      text: t(`nav.${name}`),
      hint: "",
      icon,
      to: { name },
    })),
    ...SETTINGS.map(({ key, place, words: other }): Entry => ({
      id: `setting ${key}`,
      group: "setting",
      text: t(key),
      hint: t(`nav.${place}`),
      words: other,
      icon: Settings2,
      to: { name: place },
    })),
  ];
}

/** What is done with an app. */
export interface Doing {
  start: (app: string) => void;
  stop: (app: string) => void;
  restart: (app: string) => void;
}

/** Returns the installed apps, their logs, and what can be done with them by whoever may. */
export function appsOf(apps: readonly AppSummary[], t: Translate, doing: Doing | undefined): Entry[] {
  return apps.flatMap((one): Entry[] => {
    const params = { app: one.app };
    const act = (what: keyof Doing, icon: LucideIcon): Entry => ({
      id: `${what} ${one.app}`,
      group: "action",
      text: t(`opKind.${what}`, { app: one.name }),
      hint: "",
      words: one.app,
      icon,
      run: () => doing?.[what](one.app),
    });
    const actions =
      one.desired === "stopped" ? [act("start", CirclePlay)] : [act("restart", RotateCw), act("stop", Square)];
    return [
      {
        id: `app ${one.app}`,
        group: "app",
        text: one.name,
        hint: t(`state.${one.state}`),
        words: one.app,
        app: one,
        to: { name: "app", params },
      },
      {
        id: `logs ${one.app}`,
        group: "place",
        text: t("search.logsOf", { name: one.name }),
        hint: "",
        words: one.app,
        icon: FileText,
        to: { name: "app", params: { ...params, tab: "logs" } },
      },
      ...(doing ? actions : []),
    ];
  });
}

/** Returns the apps of the store that are not installed. */
export function storeOf(entries: readonly CatalogEntry[], t: Translate): Entry[] {
  return entries
    .filter((one) => !one.installed && !one.problem)
    .map((one) => ({
      id: `store ${one.app}`,
      group: "app",
      text: one.name,
      hint: t("search.inStore", { summary: words(one.summary) }),
      words: `${one.app} ${one.category}`,
      app: one,
      to: { name: "plan", params: { app: one.app } },
    }));
}

/** Returns the settings of an app. */
export function optionsOf(app: AppSummary, options: readonly OptionView[]): Entry[] {
  return options.map((one) => ({
    id: `option ${app.app} ${one.name}`,
    group: "setting",
    text: words(one.label),
    hint: app.name,
    words: one.name,
    app,
    to: { name: "app", params: { app: app.app, tab: "settings" }, hash: `#option-${one.name}` },
  }));
}

/** Returns the newest operations. */
export function operationsOf(
  operations: readonly Operation[],
  t: Translate,
  nameOf: (app: string) => string,
  locale: string,
): Entry[] {
  return operations.map((one) => ({
    id: `operation ${one.id}`,
    group: "operation",
    text: t(`opKind.${one.kind}`, { app: nameOf(one.app) }),
    hint: `${t(`opState.${one.state}`)} · ${ago(one.updated_at, locale)}`,
    words: one.app,
    icon: Activity,
    to: { name: "operations" },
  }));
}

/** Returns the pages of the guide and their headings. */
export function guideOf(): Entry[] {
  return guide.flatMap(({ page, title, headings }): Entry[] => [
    { id: `help ${page}`, group: "help", text: title, hint: "", icon: BookOpen, to: toTopic(page) },
    ...headings.map(({ text, anchor }): Entry => ({
      id: `help ${page} ${anchor}`,
      group: "help",
      text,
      hint: title,
      icon: BookOpen,
      to: toTopic(`${page}#${anchor}`),
    })),
  ]);
}

/** Returns what can be done with the page itself. */
export function pageActionsOf(
  t: Translate,
  dark: boolean,
  setDark: (dark: boolean) => void,
  leave: () => void,
): Entry[] {
  const action = (id: string, text: string, icon: LucideIcon, run: () => void): Entry => ({
    id: `action ${id}`,
    group: "action",
    text,
    hint: "",
    icon,
    run,
  });
  return [
    action("theme", t(dark ? "search.toLight" : "search.toDark"), dark ? Sun : Moon, () => setDark(!dark)),
    action("leave", t("nav.logout"), LogOut, leave),
  ];
}
