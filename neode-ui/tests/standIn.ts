import { environmentManager } from "@tanstack/vue-query";
import { vi } from "vitest";
import { live } from "../src/api/live";
import { queries } from "../src/api/queries";
import type { Methods } from "../src/api/types";

export type Answers = {
  [M in keyof Methods]?: (params: Methods[M]["params"]) => Methods[M]["result"] | Promise<Methods[M]["result"]>;
};

/** What the node says no with. */
export class Refusal extends Error {
  constructor(
    override readonly name: string,
    message = "no",
    readonly data: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/** A question that was put to the node. */
export interface Question {
  method: string;
  params: Record<string, unknown>;
}

/**
 * Stands in for the node: answers each method as `answers` say at that time, and is away for all others. Returns the
 * questions that were put.
 */
export function answering(answers: Answers): Question[] {
  const asked: Question[] = [];
  if (!("localStorage" in globalThis)) standInStorage();
  vi.stubGlobal("fetch", async (_: string, { body }: { body: string }) => {
    const { id, method, params } = JSON.parse(body) as Question & { id: number };
    asked.push({ method, params });
    const answer = answers[method as keyof Methods] as ((params: unknown) => unknown) | undefined;
    if (!answer) throw new TypeError("nobody is there");
    try {
      const result = await answer(params);
      return { json: async () => ({ jsonrpc: "2.0", id, result: structuredClone(result) }) };
    } catch (problem) {
      if (!(problem instanceof Refusal)) throw problem;
      const { name, message, data } = problem;
      return {
        json: async () => ({ jsonrpc: "2.0", id, error: { code: 1, message, data: { name, hint: "", ...data } } }),
      };
    }
  });
  return asked;
}

/** Returns what the questions of one method asked for. */
export function paramsOf(asked: Question[], method: keyof Methods): Array<Record<string, unknown>> {
  return asked.filter((one) => one.method === method).map((one) => one.params);
}

/** An answer that comes when a test says so. */
export class Later<T> {
  give!: (value: T) => void;
  refuse!: (problem: unknown) => void;
  readonly promise = new Promise<T>((give, refuse) => {
    this.give = give;
    this.refuse = refuse;
  });
}

interface Sent {
  id: number;
  method: string;
  params: Record<string, unknown>;
}

/** Stands in for the browser's WebSocket: a test says when it opens, what comes and when it closes. */
export class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  static get last(): Socket {
    const last = Socket.all.at(-1);
    if (!last) throw new Error("nobody opened a WebSocket");
    return last;
  }

  readyState = 0;
  sent: Sent[] = [];
  onopen?: () => void;
  onmessage?: (message: { data: string }) => void;
  onclose?: ((closed: { code: number }) => void) | null;
  private numbers = 0;

  constructor(
    readonly url: string,
    readonly protocols: string[] = [],
  ) {
    Socket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Sent);
  }

  close(): void {
    this.readyState = 2;
  }

  opens(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  closes(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  says(message: Record<string, unknown>): void {
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: "2.0", ...message }) });
  }

  notifies(method: string, params: Record<string, unknown>): void {
    this.says({ method, params });
  }

  /** Grants the newest request; returns the subscription's number. */
  grants(request = this.sent.at(-1)): number {
    this.numbers += 1;
    this.says({ id: request?.id, result: { subscription: this.numbers, revision: 0 } });
    return this.numbers;
  }

  asks(method: string): Array<Record<string, unknown>> {
    return this.sent.filter((one) => one.method === method).map((one) => one.params);
  }
}

/** Stands in for the page's web storage, which other tabs can write to as well. */
export class Storage {
  private kept = new Map<string, string>();

  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.kept.set(key, value);
  }

  removeItem(key: string): void {
    this.kept.delete(key);
  }

  /** Another tab writes, or removes. */
  elsewhere(key: string, value: string | null): void {
    if (value === null) this.kept.delete(key);
    else this.kept.set(key, value);
    window.dispatchEvent(Object.assign(new Event("storage"), { key, storageArea: this }));
  }
}

/** Puts the stand-in where the browser's storage is; it is empty. */
export function standInStorage(): Storage {
  const storage = new Storage();
  vi.stubGlobal("localStorage", storage);
  return storage;
}

/** Puts the stand-in where the browser's WebSocket is, on a page of the node's that is in sight. */
export function standInSocket(): void {
  Socket.all = [];
  environmentManager.setIsServer(() => false);
  queries.clear();
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("location", new URL("http://archipelago.test:8480/"));
  vi.stubGlobal("document", { hidden: false });
  vi.stubGlobal("window", new EventTarget());
  standInStorage();
}

/** Puts the page behind others. */
export function hide(): void {
  vi.stubGlobal("document", { hidden: true, visibilityState: "hidden" });
}

/** Connects the page with the node; what it follows is granted. */
export function connect(): Socket {
  live.open();
  const socket = Socket.last;
  socket.opens();
  for (const request of [...socket.sent]) socket.grants(request);
  return socket;
}
