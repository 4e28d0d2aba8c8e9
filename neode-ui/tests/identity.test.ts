import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { confirmation } from "../src/api/confirmation";
import { device, keepMark } from "../src/api/device";
import { call } from "../src/api/rpc";
import { keepSecret } from "../src/api/secret";
import { useIdentity } from "../src/stores/identity";
import { useSession } from "../src/stores/session";
import { entered } from "./samples";
import { answering, paramsOf, Refusal, standInSocket, standInStorage } from "./standIn";
import { until } from "./until";

beforeEach(() => {
  standInSocket();
  setActivePinia(createPinia());
});
afterEach(async () => {
  answering({ "login-status": () => Promise.reject(new Refusal("internal")) });
  await useSession().forget();
  vi.unstubAllGlobals();
});

/** Answers what asks for a confirmation once the password was shown. */
function guarded() {
  let shown = false;
  return answering({
    "key-phrase": () => (shown ? "abandon art" : Promise.reject(new Refusal("confirm"))),
    "login-confirm": ({ password }) => {
      if (password !== "right") throw new Refusal("wrong-credentials");
      shown = true;
      return { confirmation: "shown again", seconds: 300 };
    },
    "login-status": () => Promise.reject(new Refusal("internal")),
  });
}

describe("what asks who is there", () => {
  it("is done once the password was shown, after as many mistakes as it takes", async () => {
    const asked = guarded();
    keepSecret("archs_sesame");
    const identity = useIdentity();
    const phrase = call("key-phrase");
    await until(() => expect(identity.asked).toBe(true));
    await expect(identity.confirm("wrong")).rejects.toMatchObject({ name: "wrong-credentials" });
    expect(identity.asked).toBe(true);
    await identity.confirm("right");
    expect(await phrase).toBe("abandon art");
    expect(identity.asked).toBe(false);
    expect(paramsOf(asked, "key-phrase")).toHaveLength(2);
    expect(confirmation()).toEqual({ "Archipelago-Confirmation": "shown again" });
  });

  it("is not done where nobody shows it", async () => {
    const asked = guarded();
    const identity = useIdentity();
    const answers = [call("key-phrase"), call("key-phrase")].map((one) =>
      expect(one).rejects.toMatchObject({ name: "confirm" }),
    );
    await until(() => expect(identity.asked).toBe(true));
    identity.cancel();
    await Promise.all(answers);
    expect(identity.asked).toBe(false);
    expect(paramsOf(asked, "key-phrase")).toHaveLength(2);
  });

  it("is done without a word right after a login, and the proof is in no storage and goes with the session", async () => {
    const storage = standInStorage();
    const kept = vi.spyOn(storage, "setItem");
    answering({ "login-status": () => Promise.reject(new Refusal("internal")) });
    const session = useSession();
    session.enter({ ...entered("read"), confirmation: "shown at the login" });
    expect(confirmation()).toEqual({ "Archipelago-Confirmation": "shown at the login" });
    expect(JSON.stringify(kept.mock.calls)).not.toContain("shown at the login");
    await session.forget();
    expect(confirmation()).toEqual({});
  });
});

describe("the mark of this device", () => {
  it("is that of the account which logs in, or the newest", () => {
    expect(device("owner")).toEqual({});
    keepMark("owner", "mark of owner");
    keepMark("eve", "mark of eve");
    expect(device("owner")).toEqual({ "Archipelago-Device": "mark of owner" });
    expect(device("somebody")).toEqual({ "Archipelago-Device": "mark of eve" });
    keepMark("owner", "newer");
    expect(device()).toEqual({ "Archipelago-Device": "newer" });
  });

  it("outlives the session, and junk in the storage", async () => {
    answering({ "login-status": () => Promise.reject(new Refusal("internal")) });
    const session = useSession();
    session.enter(entered("read"));
    await session.forget();
    expect(device("owner")).toEqual({ "Archipelago-Device": "mark of owner" });
    localStorage.setItem("archipelago-devices", "{");
    expect(device("owner")).toEqual({});
  });
});
