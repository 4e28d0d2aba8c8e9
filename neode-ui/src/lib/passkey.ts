import { call } from "../api/rpc";
import type { Entered, PasskeyView } from "../api/types";

/** Tells whether this browser, at this address, can keep passkeys: never for a bare IP address. */
export function canUsePasskeys(): boolean {
  const bare = /^[\d.]+$|^\[/.test(location.hostname);
  return !bare && window.isSecureContext && "parseCreationOptionsFromJSON" in (window.PublicKeyCredential ?? {});
}

/** Has a passkey answer a challenge of the node; throws where the owner says no. */
export async function answerChallenge(): Promise<Record<string, unknown>> {
  const options = (await call("passkey-challenge")) as unknown as PublicKeyCredentialRequestOptionsJSON;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  return { ...credential.toJSON() };
}

/** Logs in by a passkey; throws where the owner or the node says no. */
export async function enterByPasskey(): Promise<Entered> {
  return call("passkey-login", { credential: await answerChallenge() });
}

/** Makes a passkey for the account that is logged in. */
export async function addPasskey(name: string): Promise<PasskeyView> {
  const options = (await call("passkey-begin")) as unknown as PublicKeyCredentialCreationOptionsJSON;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  return call("passkey-confirm", { name, credential: { ...credential.toJSON() } });
}
