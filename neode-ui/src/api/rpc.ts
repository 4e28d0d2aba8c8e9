import type { Methods } from "./types";

/** Where the node refused, or could not be reached. `name` is one of the node's error names, or `offline`. */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
    override readonly name: string,
    readonly hint: string,
    readonly data: Record<string, unknown>,
  ) {
    super(message);
  }
}

type Optional<P> = keyof P extends never ? [] : Record<string, never> extends P ? [params?: P] : [params: P];

let last = 0;
let onLoginNeeded: () => void = () => {};

/** Has something done whenever the node no longer knows who calls. */
export function whenLoginNeeded(work: () => void): void {
  onLoginNeeded = work;
}

/** Calls a method of the node; throws `RpcError`. */
export async function call<M extends keyof Methods>(
  method: M,
  ...[params]: Optional<Methods[M]["params"]>
): Promise<Methods[M]["result"]> {
  last += 1;
  let answer: { result?: unknown; error?: { code: number; message: string; data?: Record<string, unknown> } };
  try {
    const response = await fetch("/rpc/v1", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: last, method, params: params ?? {} }),
    });
    answer = await response.json();
  } catch {
    throw new RpcError(0, "", "offline", "", {});
  }
  if (answer.error) {
    const { name = "internal", hint = "", ...data } = answer.error.data ?? {};
    if (name === "login-needed") onLoginNeeded();
    throw new RpcError(answer.error.code, answer.error.message, String(name), String(hint), data);
  }
  return answer.result as Methods[M]["result"];
}
