import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { live } from "../src/api/live";
import type { AppSummary, Operation } from "../src/api/types";
import { useContainers } from "../src/stores/container";
import { event, operation, summary, system } from "./samples";
import { answering, connect, hide, Later, paramsOf, Refusal, Socket, standInSocket } from "./standIn";

const answers = {
  "container-list": (): AppSummary[] | Promise<AppSummary[]> => [summary()],
  "system-info": () => system(),
  "operation-list": (): Operation[] => [],
};

beforeEach(() => {
  vi.useFakeTimers();
  standInSocket();
  setActivePinia(createPinia());
});
afterEach(() => {
  live.close();
  useContainers().unfollow();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settled = () => vi.advanceTimersByTimeAsync(0);

/** Has what the node says about the list of apps come when a test says so, one for each question. */
function listsLater(): { lists: Later<AppSummary[]>[]; asked: ReturnType<typeof answering> } {
  const lists: Later<AppSummary[]>[] = [];
  const later = () => {
    lists.push(new Later());
    return (lists.at(-1) as Later<AppSummary[]>).promise;
  };
  return { lists, asked: answering({ ...answers, "container-list": later }) };
}

describe("what is shown", () => {
  it("is asked for when somebody begins to look", async () => {
    answering({ ...answers, "operation-list": () => [operation()] });
    const store = useContainers();
    expect(store.apps).toBeUndefined();
    store.follow();
    await settled();
    expect(store.apps).toEqual([summary()]);
    expect(store.system).toEqual(system());
    expect(store.operations).toEqual([operation()]);
  });

  it("tells which operations go on and which apps need somebody", async () => {
    const states = ["pending", "running", "done", "failed", "cancelled"] as const;
    answering({
      ...answers,
      "container-list": () => [summary({ app: "well" }), summary({ app: "ill", state: "failed" })],
      "operation-list": () => states.map((state) => operation({ id: state, state })),
    });
    const store = useContainers();
    store.follow();
    await settled();
    expect(store.running.map((one) => one.id)).toEqual(["pending", "running"]);
    expect(store.troubled.map((one) => one.app)).toEqual(["ill"]);
  });

  it("stays where the node fails", async () => {
    answering(answers);
    const store = useContainers();
    store.follow();
    await settled();
    answering({
      "container-list": () => [],
      "system-info": () => system(),
      "operation-list": () => Promise.reject(new Refusal("internal")),
    });
    await store.refresh();
    expect(store.apps).toEqual([summary()]);
    answering({});
    await store.refresh();
    expect(store.apps).toEqual([summary()]);
    expect(store.system).toEqual(system());
  });

  it("is gone when nobody looks any more, and does not come back by an answer that is late", async () => {
    const { lists } = listsLater();
    const store = useContainers();
    store.follow();
    await settled();
    store.unfollow();
    lists[0]?.give([summary()]);
    await settled();
    expect(store.apps).toBeUndefined();
    expect(store.system).toBeUndefined();
    expect(store.operations).toEqual([]);
  });

  it("is not what was asked for before a logout where somebody logs in before its answer comes", async () => {
    const { lists } = listsLater();
    const store = useContainers();
    store.follow();
    await settled();
    store.unfollow();
    store.follow();
    lists[0]?.give([summary({ app: "from before" })]);
    await settled();
    expect(store.apps).toBeUndefined();
    expect(store.system).toBeUndefined();
    lists[1]?.give([summary()]);
    await settled();
    expect(store.apps).toEqual([summary()]);
  });
});

describe("events", () => {
  async function following() {
    const store = useContainers();
    store.follow();
    const socket = connect();
    await settled();
    const asked = answering(answers);
    const tell = (own = {}) => socket.notifies("event", { subscription: 1, event: event(own) });
    return { store, socket, asked, tell };
  }

  beforeEach(() => void answering(answers));

  it("that come together are one question", async () => {
    const { asked, tell } = await following();
    for (let revision = 1; revision <= 100; revision += 1) tell({ revision });
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(60);
    expect(paramsOf(asked, "container-list")).toHaveLength(1);
    tell({ revision: 101 });
    await vi.advanceTimersByTimeAsync(60);
    expect(paramsOf(asked, "container-list")).toHaveLength(2);
  });

  it("are gathered for longer in a tab behind others", async () => {
    hide();
    const { asked, tell } = await following();
    tell();
    await vi.advanceTimersByTimeAsync(1_900);
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(paramsOf(asked, "container-list")).toHaveLength(1);
  });

  it("are told each by itself, with their app", async () => {
    const { store, tell } = await following();
    const before = store.heard.number;
    tell({ app: "electrumx" });
    tell({ app: null });
    expect(store.heard).toEqual({ app: null, number: before + 2 });
  });

  it("ask nothing when nobody looks any more", async () => {
    const { store, socket, asked, tell } = await following();
    tell();
    store.unfollow();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual([]);
    expect(socket.asks("unsubscribe")).toEqual([{ subscription: 1 }]);
  });

  it("are followed once, however often somebody begins to look", async () => {
    const { store, socket } = await following();
    store.follow();
    expect(socket.asks("subscribe")).toHaveLength(1);
    expect(Socket.all).toHaveLength(1);
  });
});

describe("refresh", () => {
  it("has one question under way; who asks meanwhile waits for the one after it", async () => {
    const { lists } = listsLater();
    const store = useContainers();
    store.follow();
    await settled();
    const done = vi.fn();
    void store.refresh().then(done);
    void store.refresh().then(done);
    void store.refresh().then(done);
    await settled();
    expect(lists).toHaveLength(1);

    lists[0]?.give([summary({ state: "starting" })]);
    await settled();
    expect(lists).toHaveLength(2);
    expect(done).not.toHaveBeenCalled();

    lists[1]?.give([summary({ state: "healthy" })]);
    await settled();
    expect(done).toHaveBeenCalledTimes(3);
    expect(lists).toHaveLength(2);
    expect(store.apps?.[0]?.state).toBe("healthy");
  });

  it("asks again after a question that failed", async () => {
    const { lists } = listsLater();
    const store = useContainers();
    store.follow();
    await settled();
    const second = store.refresh();
    lists[0]?.refuse(new TypeError("away"));
    await settled();
    lists[1]?.give([summary()]);
    await second;
    expect(store.apps).toEqual([summary()]);
  });
});

describe("change", () => {
  it("shows what it began before it returns", async () => {
    const store = useContainers();
    answering(answers);
    store.follow();
    await settled();
    const begun = operation({ id: "7", state: "pending" });
    answering({ ...answers, "operation-list": () => [begun] });
    expect(await store.change(Promise.resolve(begun))).toEqual(begun);
    expect(store.operations).toEqual([begun]);
  });

  it("does not take a question from before the change for one after it", async () => {
    const { lists } = listsLater();
    const store = useContainers();
    store.follow();
    await settled();
    const done = vi.fn();
    void store.change(Promise.resolve(operation())).then(done);
    await settled();
    lists[0]?.give([summary({ operation: null })]);
    await settled();
    expect(done).not.toHaveBeenCalled();
    lists[1]?.give([summary({ operation: "1" })]);
    await settled();
    expect(done).toHaveBeenCalledOnce();
    expect(store.apps?.[0]?.operation).toBe("1");
  });

  it("throws what the node says against it, and asks nothing", async () => {
    const asked = answering(answers);
    const problem = new Refusal("forbidden");
    await expect(useContainers().change(Promise.reject(problem))).rejects.toBe(problem);
    expect(asked).toEqual([]);
  });
});
