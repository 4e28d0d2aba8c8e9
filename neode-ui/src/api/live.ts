import { ref } from "vue";
import type { Event, LogLine } from "./types";

const SLOWEST = 15_000;
const LOGGED_OUT = 4401;

/** Whether the node is being listened to: what is shown is stale while it is not. */
export const connected = ref(false);
/** Whether it cannot be reached, by the last attempt. */
export const lost = ref(false);

type Handler = (params: never) => void;

interface Wanted {
  params: Record<string, unknown>;
  handler: Handler;
  subscription?: number;
}

/** One WebSocket for everything that comes by itself; it reconnects, and catches up from the last revision. */
class Live {
  private socket?: WebSocket;
  private wanted = new Map<number, Wanted>();
  private waiting = new Map<number, (result: number) => void>();
  private next = 0;
  private pause = 500;
  private revision?: number;
  private timer?: ReturnType<typeof setTimeout>;

  open(): void {
    if (this.socket) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = (this.socket = new WebSocket(`${scheme}://${location.host}/ws/v1`));
    socket.onopen = () => {
      this.pause = 500;
      connected.value = true;
      lost.value = false;
      for (const [key, one] of this.wanted) this.subscribe(key, one);
    };
    socket.onmessage = (message) => this.take(JSON.parse(String(message.data)));
    socket.onclose = (closed) => {
      connected.value = false;
      lost.value = closed.code !== LOGGED_OUT;
      this.socket = undefined;
      this.waiting.clear();
      for (const one of this.wanted.values()) one.subscription = undefined;
      if (closed.code === LOGGED_OUT) return;
      this.timer = setTimeout(() => this.open(), this.pause * (0.5 + Math.random()));
      this.pause = Math.min(this.pause * 2, SLOWEST);
    };
  }

  close(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = undefined;
    if (socket) {
      socket.onclose = null;
      socket.close();
    }
    connected.value = lost.value = false;
  }

  /** Follows everything that changes, from now on; returns what ends it. */
  events(handler: (event: Event) => void): () => void {
    return this.want({ kind: "events" }, (params: { event: Event }) => {
      this.revision = params.event.revision;
      handler(params.event);
    });
  }

  /** Follows the log of an app, its newest lines first; returns what ends it. */
  logs(app: string, container: string | null, tail: number, handler: (line: LogLine) => void): () => void {
    return this.want({ kind: "logs", app, container, tail }, (params: { log: LogLine }) => handler(params.log));
  }

  private want(params: Record<string, unknown>, handler: Handler): () => void {
    const key = ++this.next;
    const one: Wanted = { params, handler };
    this.wanted.set(key, one);
    if (this.socket?.readyState === WebSocket.OPEN) this.subscribe(key, one);
    return () => {
      this.wanted.delete(key);
      if (one.subscription !== undefined) this.send("unsubscribe", { subscription: one.subscription });
    };
  }

  private subscribe(key: number, one: Wanted): void {
    const params = { ...one.params };
    if (params.kind === "events" && this.revision !== undefined) params.since = this.revision;
    const id = this.send("subscribe", params);
    this.waiting.set(id, (subscription) => {
      if (this.wanted.get(key) === one) one.subscription = subscription;
      else this.send("unsubscribe", { subscription });
    });
  }

  private send(method: string, params: Record<string, unknown>): number {
    const id = ++this.next;
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    }
    return id;
  }

  private take(message: {
    id?: number;
    result?: unknown;
    params?: { subscription: number } & Record<string, unknown>;
  }): void {
    if (message.id !== undefined) {
      const waiter = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.result !== undefined) {
        waiter?.((message.result as { subscription: number }).subscription);
      }
      return;
    }
    const params = message.params;
    if (!params) return;
    for (const one of this.wanted.values()) {
      if (one.subscription === params.subscription) (one.handler as (given: unknown) => void)(params);
    }
  }
}

export const live = new Live();
