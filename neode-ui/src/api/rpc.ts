import { computed, ref } from "vue";
import { confirmation } from "./confirmation";
import { device } from "./device";
import { authorization, sessionSecret } from "./secret";
import type { Message, Methods } from "./types";

/** Where the node refused, or could not be reached. `name` is one of the node's error names, `offline` or `slow`. */
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

  /** What its message and hint were made of. */
  get messages(): Record<string, Message> {
    return (this.data.messages as Record<string, Message> | undefined) ?? {};
  }
}

type Optional<P> = keyof P extends never ? [] : Record<string, never> extends P ? [params?: P] : [params: P];

/** Milliseconds after which the page says that the node is slow, and after which it waits no longer. */
const SLOW = 4_000;
const LONGEST = 120_000;

let last = 0;
let onLoginNeeded: () => void = () => {};
let onConfirmNeeded: () => Promise<boolean> = () => Promise.resolve(false);
const late = ref(0);

/** Whether an answer is long overdue. */
export const slow = computed(() => late.value > 0);

/** Has something done whenever the node no longer knows who calls. */
export function whenLoginNeeded(work: () => void): void {
  onLoginNeeded = work;
}

/** Has whoever is logged in show once more that it is he; `work` returns whether he has. */
export function whenConfirmNeeded(work: () => Promise<boolean>): void {
  onConfirmNeeded = work;
}

/** Calls a method of the node; throws `RpcError`. Where it asks for that, whoever is logged in first shows that it is he. */
export async function call<M extends keyof Methods>(
  method: M,
  ...given: Optional<Methods[M]["params"]>
): Promise<Methods[M]["result"]> {
  try {
    return await callOnce(method, ...given);
  } catch (problem) {
    const asks = problem instanceof RpcError && problem.name === "confirm";
    if (!asks || !(await onConfirmNeeded())) throw problem;
    return callOnce(method, ...given);
  }
}

async function callOnce<M extends keyof Methods>(
  method: M,
  ...[params]: Optional<Methods[M]["params"]>
): Promise<Methods[M]["result"]> {
  last += 1;
  const secret = sessionSecret();
  const body = JSON.stringify({ jsonrpc: "2.0", id: last, method, params: params ?? {} });
  const shown = secret ? { ...authorization(secret), ...confirmation() } : {};
  const user = params && "user" in params ? params.user : undefined;
  const answer = await ask(body, { ...shown, ...device(user) });
  if (answer.error) {
    const { name = "internal", hint = "", ...data } = answer.error.data ?? {};
    // What was asked before somebody logged in, in whatever tab, says nothing about him.
    if (name === "login-needed" && secret === sessionSecret()) onLoginNeeded();
    throw new RpcError(answer.error.code, answer.error.message, String(name), String(hint), data);
  }
  return answer.result as Methods[M]["result"];
}

interface Answer {
  result?: unknown;
  error?: { code: number; message: string; data?: Record<string, unknown> };
}

async function ask(body: string, shown: Record<string, string>): Promise<Answer> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    late.value += 1;
  }, SLOW);
  try {
    const headers = { "Content-Type": "application/json", ...shown };
    const signal = AbortSignal.timeout(LONGEST);
    const response = await fetch("/rpc/v1", { method: "POST", headers, body, credentials: "omit", signal });
    return (await response.json()) as Answer;
  } catch (problem) {
    const timedOut = problem instanceof DOMException && problem.name === "TimeoutError";
    throw new RpcError(0, "", timedOut ? "slow" : "offline", "", {});
  } finally {
    clearTimeout(timer);
    if (isLate) late.value -= 1;
  }
}
