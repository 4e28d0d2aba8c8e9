import { authorization } from "./secret";

/** Icons by their addresses, for as long as this page is open. */
const icons = new Map<string, Promise<string>>();

/**
 * Returns the icon of an app as a `data:` address; throws where there is none. The node serves icons only with the header of
 * a login, which a browser does not send for pictures. Not a `blob:` address: opened on its own, that would show a picture
 * from an app as a page of this origin.
 */
export function iconOf(app: string, version: string): Promise<string> {
  const address = `/icons/${encodeURIComponent(app)}?v=${encodeURIComponent(version)}`;
  let icon = icons.get(address);
  if (!icon) {
    icon = fetchIcon(address);
    icons.set(address, icon);
    icon.catch(() => icons.delete(address));
  }
  return icon;
}

/** Forgets what was shown to somebody who has left. */
export function forgetIcons(): void {
  icons.clear();
}

async function fetchIcon(address: string): Promise<string> {
  const answer = await fetch(address, { headers: authorization(), credentials: "omit", priority: "low" });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  const picture = await answer.blob();
  return new Promise((give, refuse) => {
    const reader = new FileReader();
    reader.onload = () => give(String(reader.result));
    reader.onerror = () => refuse(reader.error);
    reader.readAsDataURL(picture);
  });
}
