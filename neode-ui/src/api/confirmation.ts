/**
 * Proof that whoever is logged in has shown a password, or a passkey, a moment ago. What changes how one logs in needs it.
 *
 * It stays in the memory of this tab. The session's secret lies in web storage and goes with every request: whoever gets hold
 * of that one has no such proof.
 */
let proof = "";

/** Keeps what the node returned; the node says when it counts no longer. */
export function keepConfirmation(confirmation: string): void {
  proof = confirmation;
}

/** Forgets it, as the session ends. */
export function dropConfirmation(): void {
  proof = "";
}

/** Returns the header that shows it. */
export function confirmation(): Record<string, string> {
  return proof ? { "Archipelago-Confirmation": proof } : {};
}
