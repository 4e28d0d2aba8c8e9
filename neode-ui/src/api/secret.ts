/**
 * The secret that shows the node who looks at this page.
 *
 * It is kept in web storage, which belongs to the page's origin: scheme, host and port. A cookie would belong to the host
 * alone: each app at another port of it would be sent the secret, and could replace or remove it. All tabs share the secret.
 * Scripts of this page can read it, and no others run here: the content security policy lets in what the node itself serves.
 */
const NAME = "archipelago-session";
/** What the node agrees to speak over a WebSocket. */
const PROTOCOL = "archipelago";

/** Returns the secret, or null where nobody is logged in. */
export function sessionSecret(): string | null {
  return localStorage.getItem(NAME);
}

/** Keeps the secret of a session that has begun. */
export function keepSecret(secret: string): void {
  localStorage.setItem(NAME, secret);
}

/** Forgets the secret of a session that has ended. */
export function dropSecret(): void {
  localStorage.removeItem(NAME);
}

/** Returns the header that shows who asks. */
export function authorization(secret = sessionSecret()): Record<string, string> {
  return secret ? { Authorization: `Bearer ${secret}` } : {};
}

/** Opens a WebSocket at a path of this node. It can carry no header: what shows who asks is among its subprotocols. */
export function openSocket(path: string, secret = sessionSecret()): WebSocket {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return new WebSocket(`${scheme}://${location.host}${path}`, secret ? [PROTOCOL, secret] : [PROTOCOL]);
}

/** Has something done when another tab has begun a session or ended it. */
export function whenSecretChanges(work: (secret: string | null) => void): void {
  window.addEventListener("storage", ({ key, storageArea }) => {
    // Without a key: everything was removed.
    if (storageArea === localStorage && (key === NAME || key === null)) work(sessionSecret());
  });
}
