import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connected, Live, lost } from "../src/api/live";
import { event, logLine } from "./samples";
import { Socket, standInSocket } from "./standIn";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5); // pauses as long as they are meant to be
  standInSocket();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const KNOTS = { app: "knots", container: null, tail: 100 };

function opened(): { live: Live; socket: Socket } {
  const live = new Live();
  live.open();
  Socket.last.opens();
  return { live, socket: Socket.last };
}

function logOf(live: Live) {
  const on = { begun: vi.fn(), line: vi.fn(), ended: vi.fn() };
  return { ...on, stop: live.logs(KNOTS, on) };
}

describe("what is followed", () => {
  it("is asked for once the connection is there", () => {
    const live = new Live();
    live.events(() => {});
    live.open();
    expect(Socket.last.url).toBe("ws://archipelago.test:8480/ws/v1");
    expect(Socket.last.sent).toEqual([]);
    Socket.last.opens();
    expect(Socket.last.sent).toMatchObject([{ jsonrpc: "2.0", method: "subscribe", params: { kind: "events" } }]);
  });

  it("comes by an encrypted connection where the page did", () => {
    vi.stubGlobal("location", new URL("https://192.168.1.5/apps"));
    new Live().open();
    expect(Socket.last.url).toBe("wss://192.168.1.5/ws/v1");
  });

  it("is asked for at once where the connection is there already", () => {
    const { live, socket } = opened();
    logOf(live);
    expect(socket.asks("subscribe")).toEqual([{ kind: "logs", ...KNOTS }]);
  });

  it("uses one connection, however often it is opened", () => {
    const { live } = opened();
    live.open();
    expect(Socket.all).toHaveLength(1);
  });

  it("comes to whom it is for, and to nobody else", () => {
    const { live, socket } = opened();
    const heard = vi.fn();
    live.events(heard);
    const events = socket.grants();
    const log = logOf(live);
    const lines = socket.grants();
    socket.notifies("event", { subscription: events, event: event({ message: "started" }) });
    socket.notifies("log", { subscription: lines, log: logLine({ text: "hello" }) });
    socket.notifies("log", { subscription: 99, log: logLine({ text: "who is this" }) });
    expect(heard.mock.calls).toEqual([[event({ message: "started" })]]);
    expect(log.line.mock.calls).toEqual([[logLine({ text: "hello" })]]);
  });

  it("tells when the node begins to send, and again after a reconnection", async () => {
    const { live, socket } = opened();
    const log = logOf(live);
    expect(log.begun).not.toHaveBeenCalled();
    socket.grants();
    expect(log.begun).toHaveBeenCalledTimes(1);
    socket.closes();
    await vi.runOnlyPendingTimersAsync();
    Socket.last.opens();
    Socket.last.grants();
    expect(log.begun).toHaveBeenCalledTimes(2);
  });
});

describe("what is followed no longer", () => {
  it("is unsubscribed, and what still comes of it is dropped", () => {
    const { live, socket } = opened();
    const heard = vi.fn();
    const stop = live.events(heard);
    const subscription = socket.grants();
    stop();
    expect(socket.asks("unsubscribe")).toEqual([{ subscription }]);
    socket.notifies("event", { subscription, event: event() });
    expect(heard).not.toHaveBeenCalled();
  });

  it("is unsubscribed even where the answer comes only afterwards", () => {
    const { live, socket } = opened();
    const log = logOf(live);
    const request = socket.sent.at(-1);
    log.stop();
    expect(socket.asks("unsubscribe")).toEqual([]);
    const subscription = socket.grants(request);
    expect(socket.asks("unsubscribe")).toEqual([{ subscription }]);
    expect(log.begun).not.toHaveBeenCalled();
  });

  it("leaves the connection as it is where the node refuses it only afterwards", () => {
    const { live, socket } = opened();
    const log = logOf(live);
    log.stop();
    socket.says({ id: socket.sent.at(-1)?.id, error: { code: 1, message: "there is no such app" } });
    expect(socket.readyState).toBe(Socket.OPEN);
    expect(log.ended).not.toHaveBeenCalled();
  });

  it("is not asked for after a reconnection", async () => {
    const { live, socket } = opened();
    const stop = live.events(() => {});
    socket.grants();
    socket.closes();
    stop();
    await vi.runOnlyPendingTimersAsync();
    Socket.last.opens();
    expect(Socket.last.sent).toEqual([]);
  });
});

describe("a connection that is lost", () => {
  it("comes back after pauses that grow, up to a longest one", async () => {
    const { socket } = opened();
    socket.closes();
    const pauses: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const before = Date.now();
      await vi.runOnlyPendingTimersAsync();
      pauses.push(Date.now() - before);
      Socket.last.closes();
    }
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it("begins with the shortest pause once it was there again", async () => {
    const { socket } = opened();
    socket.closes();
    await vi.runOnlyPendingTimersAsync();
    Socket.last.closes();
    await vi.runOnlyPendingTimersAsync();
    Socket.last.opens();
    Socket.last.closes();
    const before = Date.now();
    await vi.runOnlyPendingTimersAsync();
    expect(Date.now() - before).toBe(500);
  });

  it("does not bring all browsers back in the same moment", async () => {
    vi.mocked(Math.random).mockReturnValue(0.9);
    const { socket } = opened();
    socket.closes();
    await vi.advanceTimersByTimeAsync(650);
    expect(Socket.all).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(Socket.all).toHaveLength(2);
  });

  it("catches up from the newest event that was seen", async () => {
    const { live, socket } = opened();
    live.events(() => {});
    const subscription = socket.grants();
    socket.notifies("event", { subscription, event: event({ revision: 41 }) });
    socket.notifies("event", { subscription, event: event({ revision: 42 }) });
    socket.closes();
    await vi.runOnlyPendingTimersAsync();
    Socket.last.opens();
    expect(Socket.last.asks("subscribe")).toEqual([{ kind: "events", since: 42 }]);
  });

  it("leaves no number behind that could be somebody else's on the next one", async () => {
    const { live, socket } = opened();
    const heard = vi.fn();
    const stop = live.events(heard);
    const subscription = socket.grants();
    socket.closes();
    await vi.runOnlyPendingTimersAsync();
    Socket.last.opens();
    Socket.last.notifies("event", { subscription, event: event() });
    stop();
    expect(heard).not.toHaveBeenCalled();
    expect(Socket.last.asks("unsubscribe")).toEqual([]);
  });

  it("is told apart from one that is there", async () => {
    const { socket } = opened();
    expect([connected.value, lost.value]).toEqual([true, false]);
    socket.closes();
    expect([connected.value, lost.value]).toEqual([false, true]);
    await vi.runOnlyPendingTimersAsync();
    expect([connected.value, lost.value]).toEqual([false, true]);
    Socket.last.opens();
    expect([connected.value, lost.value]).toEqual([true, false]);
  });

  it("stays away where the session has ended, until somebody logs in", async () => {
    const { live, socket } = opened();
    live.events(() => {});
    socket.grants();
    socket.closes(4401);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(Socket.all).toHaveLength(1);
    expect([connected.value, lost.value]).toEqual([false, false]);
    live.open();
    Socket.last.opens();
    expect(Socket.last.asks("subscribe")).toHaveLength(1);
  });

  it("stays away where the page closed it, even between two attempts", async () => {
    const { live, socket } = opened();
    live.close();
    expect(socket.readyState).toBe(2);
    socket.closes();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(Socket.all).toHaveLength(1);

    live.open();
    Socket.last.closes();
    live.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(Socket.all).toHaveLength(2);
    expect([connected.value, lost.value]).toEqual([false, false]);
  });
});

describe("what the node ends", () => {
  it("is over for a log, with the reason where there is one", () => {
    const { live, socket } = opened();
    const well = logOf(live);
    socket.notifies("ended", { subscription: socket.grants() });
    expect(well.ended.mock.calls).toEqual([[undefined]]);
    const ill = logOf(live);
    socket.notifies("ended", { subscription: socket.grants(), error: { message: "it was removed" } });
    expect(ill.ended.mock.calls).toEqual([[{ message: "it was removed" }]]);
    expect(socket.readyState).toBe(Socket.OPEN);
  });

  it("is over for a log that it refuses, and is not asked for again", async () => {
    const { live, socket } = opened();
    const log = logOf(live);
    socket.says({ id: socket.sent.at(-1)?.id, error: { code: 1, message: "there is no such app" } });
    expect(log.begun).not.toHaveBeenCalled();
    expect(log.ended.mock.calls).toEqual([[{ code: 1, message: "there is no such app" }]]);
    socket.closes();
    await vi.runOnlyPendingTimersAsync();
    Socket.last.opens();
    expect(Socket.last.sent).toEqual([]);
  });

  it("begins anew for events, over another connection", async () => {
    const { live, socket } = opened();
    const heard = vi.fn();
    live.events(heard);
    socket.notifies("ended", { subscription: socket.grants() });
    expect(socket.readyState).toBe(2);
    socket.closes(1005);
    await vi.runOnlyPendingTimersAsync();
    Socket.last.opens();
    const subscription = Socket.last.grants();
    Socket.last.notifies("event", { subscription, event: event() });
    expect(heard).toHaveBeenCalledOnce();
  });
});
