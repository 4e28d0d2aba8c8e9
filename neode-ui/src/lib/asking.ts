/** Where the page of an app sends a browser to log in; `app_entry` on the node has the same. */
const ENTRANCE = "/enter?";

/**
 * Returns the host of the app that sent a browser to log in, by the path to which the page goes on after a login; undefined
 * where none did. It is shown and nothing else: whether it is an app of this node is for the node to say.
 */
export function askingApp(to: unknown): string | undefined {
  if (typeof to !== "string" || !to.startsWith(ENTRANCE)) return undefined;
  const site = new URLSearchParams(to.slice(ENTRANCE.length)).get("site") ?? "";
  const given = URL.canParse(site) ? new URL(site) : undefined;
  return given?.protocol.startsWith("http") ? given.host : undefined;
}
