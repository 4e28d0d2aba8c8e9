import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { live } from "../src/api/live";
import { call } from "../src/api/rpc";
import type { LoginStatus } from "../src/api/types";
import { useSession } from "../src/stores/session";
import { entered, login } from "./samples";
import { answering, paramsOf, Refusal, Socket, standInSocket, type Storage } from "./standIn";

const NOBODY: LoginStatus = { set_up: true, user: null, role: null, permissions: [], second_factor: false };

beforeEach(() => {
  standInSocket();
  setActivePinia(createPinia());
});
afterEach(() => {
  live.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const refuse = (name: string) => () => Promise.reject(new Refusal(name));

describe("who looks at the page", () => {
  it("may do what the node says, and nothing before it has said so", async () => {
    answering({ "login-status": () => login("read", "operate") });
    const session = useSession();
    expect(session.may("read")).toBe(false);
    await session.know();
    expect(session.may("operate")).toBe(true);
    expect(session.may("manage")).toBe(false);
    expect(session.inside).toBe(true);
  });

  it("is asked for once", async () => {
    const asked = answering({ "login-status": () => NOBODY });
    const session = useSession();
    await session.know();
    await session.know();
    expect(paramsOf(asked, "login-status")).toHaveLength(1);
    expect(session.inside).toBe(false);
  });

  it("is followed by events from the moment that he is inside", async () => {
    answering({ "login-status": () => NOBODY });
    const session = useSession();
    await session.know();
    expect(Socket.all).toEqual([]);
    session.enter(entered("read"));
    expect(Socket.all).toHaveLength(1);
  });

  it("is nobody where the node cannot be asked, and stays who he was where it fails later", async () => {
    answering({});
    const session = useSession();
    await session.know();
    expect(session.status).toMatchObject({ user: null });
    expect(session.locked).toBe(false);
    session.enter(entered("read"));
    await session.refresh();
    expect(session.inside).toBe(true);
  });

  it("stays inside when an answer arrives that was asked for before the login", async () => {
    let answer = (_: LoginStatus): void => undefined;
    answering({ "login-status": () => new Promise<LoginStatus>((resolve) => (answer = resolve)) });
    const session = useSession();
    const asked = session.refresh();
    session.enter(entered("read"));
    answer(NOBODY);
    await asked;
    expect(session.inside).toBe(true);
  });

  it("is new where he has set the password just now, until the page is asked again", async () => {
    answering({ "login-status": () => login("read") });
    const session = useSession();
    session.enter(entered("read"), true);
    expect(session.isNew).toBe(true);
    await session.refresh();
    expect(session.isNew).toBe(false);
  });
});

describe("a session that has ended", () => {
  const ask = () => call("container-list").catch(() => {});

  it("has expired for who was inside; who logs in anew is inside again", async () => {
    answering({ "container-list": refuse("login-needed") });
    const session = useSession();
    session.enter(entered("read"));
    await ask();
    expect(session.expired).toBe(true);
    expect(session.inside).toBe(true); // what he typed is still there
    session.enter(entered("read"));
    expect(session.expired).toBe(false);
  });

  it("has not expired for who was never inside, or may merely not do something", async () => {
    answering({ "container-list": refuse("login-needed") });
    const session = useSession();
    await ask();
    expect(session.expired).toBe(false);
    session.enter(entered("read"));
    answering({ "container-list": refuse("forbidden") });
    await ask();
    expect(session.expired).toBe(false);
  });

  it("is no longer followed once its owner leaves", async () => {
    const asked = answering({ logout: () => null, "login-status": () => NOBODY });
    const session = useSession();
    session.enter(entered("read"));
    Socket.last.opens();
    await session.leave();
    expect(asked.map((one) => one.method)).toEqual(["logout", "login-status"]);
    expect(Socket.last.readyState).toBe(2);
    expect(session.inside).toBe(false);
  });

  it("is over for who leaves, even where the node cannot be asked any more", async () => {
    answering({ logout: () => null });
    const session = useSession();
    session.enter(entered("read"));
    await session.leave();
    expect(session.inside).toBe(false);
  });
});

describe("a locked node", () => {
  it("is told apart from one that is away", async () => {
    const session = useSession();
    answering({ "login-status": refuse("locked") });
    await session.know();
    expect(session.locked).toBe(true);
    answering({ "login-status": refuse("internal") });
    await session.refresh();
    expect(session.locked).toBe(false);
  });

  it("is unlocked once it has started and answers again", async () => {
    vi.useFakeTimers();
    const session = useSession();
    answering({ "login-status": refuse("locked") });
    await session.know();
    const done = vi.fn();
    const first = answering({ "key-unlock": () => null, "login-status": refuse("locked") });
    void session.unlock("correct horse").then(done);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(paramsOf(first, "key-unlock")).toEqual([{ passphrase: "correct horse" }]);
    answering({}); // between its two lives
    await vi.advanceTimersByTimeAsync(5_000);
    expect(done).not.toHaveBeenCalled();
    expect(session.locked).toBe(true);
    answering({ "login-status": () => NOBODY });
    await vi.advanceTimersByTimeAsync(500);
    expect(done).toHaveBeenCalledOnce();
    expect(session.locked).toBe(false);
  });

  it("stays locked where the passphrase is wrong", async () => {
    const session = useSession();
    answering({ "login-status": refuse("locked"), "key-unlock": refuse("wrong-passphrase") });
    await session.know();
    await expect(session.unlock("wrong")).rejects.toMatchObject({ name: "wrong-passphrase" });
    expect(session.locked).toBe(true);
  });
});

describe("a session that ends", () => {
  it("is noticed at once, though nobody asks for anything", () => {
    answering({});
    const session = useSession();
    session.enter(entered("read"));
    Socket.last.opens();
    Socket.last.closes(4401);
    expect(session.expired).toBe(true);
    expect(session.inside).toBe(true);
  });

  it("leaves nothing of what was seen to whoever logs in as somebody else", () => {
    const assign = vi.fn();
    vi.stubGlobal("location", { ...location, assign });
    answering({});
    const session = useSession();
    session.enter({ ...entered("administer"), user: "owner" });
    session.enter({ ...entered("read"), user: "guest" });
    expect(assign).toHaveBeenCalledWith("/");
    expect(session.status?.user).toBe("owner");
  });
});

describe("the secret of a session", () => {
  const KEY = "archipelago-session";
  const storage = (): Storage => localStorage as unknown as Storage;
  const settled = () => new Promise((go) => setTimeout(go));

  it("is kept where no other origin reads it, and nowhere else", () => {
    answering({});
    const session = useSession();
    session.enter(entered("read"));
    expect(localStorage.getItem(KEY)).toBe("archs_sesame");
    expect(JSON.stringify(session.status)).not.toContain("sesame");
    expect(Socket.last.url).not.toContain("sesame");
    expect(Socket.last.protocols).toEqual(["archipelago", "archs_sesame"]);
  });

  it("goes with its owner, though the node cannot be asked any more", async () => {
    answering({ logout: () => null });
    const session = useSession();
    session.enter(entered("read"));
    await session.leave();
    expect(localStorage.getItem(KEY)).toBeNull();
  });

  it("lets another tab in where it is at the login, and where it asks again", async () => {
    answering({ "login-status": () => NOBODY });
    const session = useSession();
    await session.know();
    answering({ "login-status": () => login("read") });
    storage().elsewhere(KEY, "archs_other");
    await settled();
    expect(session.inside).toBe(true);
    storage().elsewhere(KEY, null);
    expect(session.expired).toBe(true);
    expect(session.inside).toBe(true); // what was typed is still there
    storage().elsewhere(KEY, "archs_third");
    await settled();
    expect(session.expired).toBe(false);
  });

  it("that another tab begins ends the one before, and nobody is asked again", async () => {
    vi.useFakeTimers();
    answering({ "login-status": () => login("read") });
    const session = useSession();
    session.enter(entered("read"));
    Socket.last.opens();
    storage().elsewhere(KEY, "archs_other");
    await vi.advanceTimersByTimeAsync(0);
    Socket.last.closes(4401);
    expect(session.expired).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(Socket.all).toHaveLength(2);
    expect(Socket.last.protocols).toEqual(["archipelago", "archs_other"]);
  });

  it("is no business of what else is kept, or of another storage", () => {
    answering({});
    const session = useSession();
    session.enter(entered("read"));
    storage().elsewhere("archipelago-theme", null);
    window.dispatchEvent(Object.assign(new Event("storage"), { key: KEY, storageArea: {} }));
    expect(session.expired).toBe(false);
  });
});
