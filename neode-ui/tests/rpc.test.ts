import { afterEach, describe, expect, it, vi } from "vitest";
import { call, RpcError, whenLoginNeeded } from "../src/api/rpc";

afterEach(() => vi.unstubAllGlobals());

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
    expect(error).toMatchObject({ code: 1018, message: "no", name: "forbidden", hint: "ask", data: { permission: "manage" } });
  });

  it("tells when nobody answers, or something else does", async () => {
    vi.stubGlobal("fetch", vi.fn().mockRejectedValue(new TypeError("refused")));
    await expect(call("container-list")).rejects.toMatchObject({ name: "offline" });
    vi.stubGlobal("fetch", vi.fn(async () => new Response("<html>")));
    await expect(call("container-list")).rejects.toMatchObject({ name: "offline" });
  });

  it("says that a login is needed, once the node no longer knows who calls", async () => {
    const told = vi.fn();
    whenLoginNeeded(told);
    answering({ error: { code: 1, message: "log in first", data: { name: "login-needed" } } });
    await expect(call("container-list")).rejects.toMatchObject({ name: "login-needed" });
    expect(told).toHaveBeenCalledOnce();
  });
});
