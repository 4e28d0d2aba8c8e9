import { authorization } from "./secret";
import type { ScreenshotView } from "./types";

/** Icons and screenshots by their addresses, for as long as this page is open. */
const pictures = new Map<string, Promise<string>>();

/**
 * Returns the icon of an app as a `data:` address; throws where there is none. The node serves icons only with the header of
 * a login, which a browser does not send for pictures. Not a `blob:` address: opened on its own, that would show a picture
 * from an app as a page of this origin.
 */
export function iconOf(app: string, version: string): Promise<string> {
  return pictureAt(`/icons/${encodeURIComponent(app)}?v=${encodeURIComponent(version)}`);
}

/** Returns a screenshot of an app in the same way. */
export function screenshotOf(app: string, { name, version }: ScreenshotView): Promise<string> {
  const address = [app, name].map(encodeURIComponent).join("/");
  return pictureAt(`/screenshots/${address}?v=${encodeURIComponent(version)}`);
}

function pictureAt(address: string): Promise<string> {
  let picture = pictures.get(address);
  if (!picture) {
    picture = fetchPicture(address);
    pictures.set(address, picture);
    picture.catch(() => pictures.delete(address));
  }
  return picture;
}

/** Forgets what was shown to somebody who has left. */
export function forgetIcons(): void {
  pictures.clear();
}

async function fetchPicture(address: string): Promise<string> {
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
