import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { call, RpcError, slow, whenLoginNeeded } from "../src/api/rpc";
import { dropSecret, keepSecret } from "../src/api/secret";
import { answering as standIn, Later, standInStorage } from "./standIn";

beforeEach(() => void standInStorage());

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function answering(answer: unknown): ReturnType<typeof vi.fn> {
  const fetched = vi.fn(async () => new Response(JSON.stringify(answer)));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

describe("call", () => {
  it("sends JSON-RPC 2.0 and returns the result", async () => {
    const fetched = answering({ jsonrpc: "2.0", id: 1, result: [] });
    expect(await call("container-status", { app: "knots" })).toEqual([]);
    const sent = JSON.parse(fetched.mock.calls[0]?.[1].body);
    expect(sent).toMatchObject({ jsonrpc: "2.0", method: "container-status", params: { app: "knots" } });
  });

  it("throws what the node says, with its name and hint", async () => {
    answering({ error: { code: 1018, message: "no", data: { name: "forbidden", hint: "ask", permission: "manage" } } });
    const error = await call("container-list").catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({
      code: 1018,
      message: "no",
      name: "forbidden",
      hint: "ask",
      data: { permission: "manage" },
    });
  });

  it("tells when nobody answers, or something else does", async () => {
    vi.stubGlobal("fetch", vi.fn().mockRejectedValue(new TypeError("refused")));
    await expect(call("container-list")).rejects.toMatchObject({ name: "offline" });
    vi.stubGlobal(
      "fetch",
      vi.fn(async () => new Response("<html>")),
    );
    await expect(call("container-list")).rejects.toMatchObject({ name: "offline" });
  });

  it("says that a login is needed, once the node no longer knows who calls", async () => {
    const told = vi.fn();
    whenLoginNeeded(told);
    answering({ error: { code: 1, message: "log in first", data: { name: "login-needed" } } });
    await expect(call("container-list")).rejects.toMatchObject({ name: "login-needed" });
    expect(told).toHaveBeenCalledOnce();
  });

  it("says nothing of a login that came after the question", async () => {
    const told = vi.fn();
    whenLoginNeeded(told);
    keepSecret("archs_old");
    answering({ error: { code: 1, message: "log in first", data: { name: "login-needed" } } });
    const answer = call("container-list");
    keepSecret("archs_new");
    await expect(answer).rejects.toMatchObject({ name: "login-needed" });
    expect(told).not.toHaveBeenCalled();
  });

  it("shows who asks by a header, and by nothing that the browser would send unasked", async () => {
    const fetched = answering({ result: [] });
    keepSecret("archs_sesame");
    await call("container-list");
    expect(fetched.mock.calls[0]?.[1]).toMatchObject({
      credentials: "omit",
      headers: { Authorization: "Bearer archs_sesame" },
    });
    dropSecret();
    await call("container-list");
    expect(fetched.mock.calls[1]?.[1].credentials).toBe("omit");
    expect(fetched.mock.calls[1]?.[1].headers).not.toHaveProperty("Authorization");
  });
});

describe("a node that takes long", () => {
  it("is said to be slow while an answer is overdue, and no longer once it is there", async () => {
    vi.useFakeTimers();
    const late = new Later<null>();
    standIn({ logout: () => late.promise });
    const answer = call("logout");
    await vi.advanceTimersByTimeAsync(3_999);
    expect(slow.value).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(slow.value).toBe(true);
    late.give(null);
    await answer;
    expect(slow.value).toBe(false);
  });

  it("is slow until the last overdue answer is there", async () => {
    vi.useFakeTimers();
    const first = new Later<null>();
    const second = new Later<[]>();
    standIn({ logout: () => first.promise, "catalog-list": () => second.promise });
    const answers = [call("logout"), call("catalog-list")];
    await vi.advanceTimersByTimeAsync(5_000);
    first.give(null);
    await answers[0];
    expect(slow.value).toBe(true);
    second.give([]);
    await answers[1];
    expect(slow.value).toBe(false);
  });

  it("is not said to be slow where it answers in time", async () => {
    vi.useFakeTimers();
    standIn({ logout: () => null });
    await call("logout");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(slow.value).toBe(false);
  });

  it("is waited for two minutes, and then told apart from one that is away", async () => {
    vi.useFakeTimers();
    vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
      const given = new AbortController();
      setTimeout(() => given.abort(new DOMException("too late", "TimeoutError")), milliseconds);
      return given.signal;
    });
    vi.stubGlobal("fetch", (_: string, { signal }: { signal: AbortSignal }) => {
      return new Promise((_give, refuse) => signal.addEventListener("abort", () => refuse(signal.reason)));
    });
    const failed = vi.fn();
    call("container-list").catch(failed);
    await vi.advanceTimersByTimeAsync(119_999);
    expect(failed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(failed.mock.calls[0]?.[0]).toBeInstanceOf(RpcError);
    expect(failed.mock.calls[0]?.[0]).toMatchObject({ name: "slow" });
    expect(slow.value).toBe(false);
  });
});
