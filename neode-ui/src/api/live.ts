import { ref } from "vue";
import { openSocket, sessionSecret } from "./secret";
import type { Event, LogLine, Message as Template } from "./types";

const SLOWEST = 15_000;
const LOGGED_OUT = 4401;

/** Whether the node is being listened to: what is shown is stale while it is not. */
export const connected = ref(false);
/** Whether it cannot be reached, by the last attempt. */
export const lost = ref(false);

/** Why a subscription ended, where it did not end well. */
export interface Ended {
  message: string;
  /** What `message` was made of, for its translation. */
  data?: { messages?: Record<string, Template> };
}

let onLoggedOut: () => void = () => {};

/** Has something done when the node says that the session has ended. */
export function whenLoggedOut(work: () => void): void {
  onLoggedOut = work;
}

interface Wanted {
  params: Record<string, unknown>;
  /** Told each time that the node begins to send. */
  begun: () => void;
  take: (params: Record<string, unknown>) => void;
  /** Told when the node ends it; left out for what must go on, which begins again then. */
  ended?: (why?: Ended) => void;
  subscription?: number;
}

interface Message {
  id?: number;
  method?: string;
  result?: { subscription: number };
  error?: Ended;
  params?: { subscription: number; error?: Ended } & Record<string, unknown>;
}

/** One WebSocket for everything that comes by itself; it reconnects, and catches up from the last revision. */
export class Live {
  private socket?: WebSocket;
  private wanted = new Map<number, Wanted>();
  private waiting = new Map<number, (answer: Message) => void>();
  private next = 0;
  private pause = 500;
  private revision?: number;
  private timer?: ReturnType<typeof setTimeout>;

  open(): void {
    if (this.socket) return;
    clearTimeout(this.timer);
    const secret = sessionSecret();
    const socket = (this.socket = openSocket("/ws/v1", secret));
    socket.onopen = () => {
      this.pause = 500;
      connected.value = true;
      lost.value = false;
      for (const [key, one] of this.wanted) this.subscribe(key, one);
    };
    socket.onmessage = (message) => this.take(JSON.parse(String(message.data)) as Message);
    socket.onclose = (closed) => {
      const now = sessionSecret();
      /** Not so where somebody has logged in again meanwhile, in whatever tab: that ended the session before. */
      const loggedOut = closed.code === LOGGED_OUT && (now === null || now === secret);
      connected.value = false;
      lost.value = closed.code !== LOGGED_OUT;
      this.socket = undefined;
      this.waiting.clear();
      for (const one of this.wanted.values()) one.subscription = undefined;
      if (loggedOut) {
        onLoggedOut();
        return;
      }
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

  /**
   * Follows everything that changes, from now on; returns what ends it. `begun` is called each time that the node begins to
   * send: what was asked for before may be older than that.
   */
  events(handler: (event: Event) => void, begun: () => void = () => {}): () => void {
    const take = (params: Record<string, unknown>): void => {
      const event = params.event as Event;
      this.revision = event.revision;
      handler(event);
    };
    return this.want({ params: { kind: "events" }, begun, take });
  }

  /** Follows the log of an app, its newest lines first; returns what ends it. After a reconnection they come again. */
  logs(
    params: { app: string; container: string | null; tail: number },
    on: { begun: () => void; line: (line: LogLine) => void; ended: (why?: Ended) => void },
  ): () => void {
    const take = (found: Record<string, unknown>): void => on.line(found.log as LogLine);
    return this.want({ params: { kind: "logs", ...params }, begun: on.begun, take, ended: on.ended });
  }

  private want(one: Wanted): () => void {
    const key = ++this.next;
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
    this.waiting.set(id, ({ result, error }) => {
      if (!result) this.end(key, error);
      else if (this.wanted.get(key) === one) {
        one.subscription = result.subscription;
        one.begun();
      } else this.send("unsubscribe", { subscription: result.subscription });
    });
  }

  private end(key: number, why?: Ended): void {
    const one = this.wanted.get(key);
    if (!one) return; // whoever wanted it has left
    if (one.ended) {
      this.wanted.delete(key);
      one.ended(why);
    } else {
      this.socket?.close();
    }
  }

  private send(method: string, params: Record<string, unknown>): number {
    const id = ++this.next;
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    }
    return id;
  }

  private take(message: Message): void {
    if (message.id !== undefined) {
      const waiter = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      waiter?.(message);
      return;
    }
    const params = message.params;
    if (!params) return;
    for (const [key, one] of this.wanted) {
      if (one.subscription !== params.subscription) continue;
      if (message.method === "ended") this.end(key, params.error);
      else one.take(params);
    }
  }
}

export const live = new Live();
