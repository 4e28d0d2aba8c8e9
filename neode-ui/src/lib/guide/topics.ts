/** A page of the node that the guide explains. */
export type HelpPage = "home" | "apps" | "store" | "operations" | "backups" | "security" | "system";

/** Page and heading of the guide that belong to a page of the node. */
export const PAGES: Record<HelpPage, string> = {
  home: "start#the-map",
  apps: "apps",
  store: "apps#installing",
  operations: "trouble#something-is-busy",
  backups: "data#backups",
  security: "logins",
  system: "access",
};

/** What the guide says about messages to the owner. */
export const MESSAGES = "notices#messages-to-your-phone-or-mailbox";

/** Page and heading of the guide that belong to an error of the node, by its name. */
export const ERRORS: Record<string, string> = {
  "data-missing": "data#missing-data",
  "disk-full": "data#a-full-disk",
  "port-taken": "trouble#a-port-is-taken",
  "still-needed": "trouble#an-app-is-still-needed",
  "too-many": "trouble#too-many-attempts",
  "wrong-credentials": "logins#password",
  "second-factor": "logins#second-factor-and-passkeys",
  busy: "trouble#something-is-busy",
  image: "trouble#an-image-cannot-be-downloaded-or-built",
  locked: "logins#when-the-node-asks-for-a-passphrase",
  "not-healthy": "trouble#an-app-does-not-start",
  offline: "trouble#the-page-says-that-the-node-cannot-be-reached",
  podman: "trouble#an-app-does-not-start",
};

/** Returns where a topic is read. */
export function toTopic(topic: string): { name: "help"; params: { page: string }; hash: string } {
  const [page = "", heading] = topic.split("#");
  return { name: "help", params: { page }, hash: heading ? `#${heading}` : "" };
}
