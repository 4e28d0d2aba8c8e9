import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { dropConfirmation, keepConfirmation } from "../api/confirmation";
import { keepMark } from "../api/device";
import { forgetIcons } from "../api/icons";
import { live, whenLoggedOut } from "../api/live";
import { queries } from "../api/queries";
import { call, RpcError, whenLoginNeeded } from "../api/rpc";
import { dropSecret, keepSecret, sessionSecret, whenSecretChanges } from "../api/secret";
import type { Entered, LoginStatus, Permission } from "../api/types";

const NOBODY: LoginStatus = { set_up: true, user: null, role: null, permissions: [], second_factor: false };
const PAUSE = 500;

/** Who looks at this page, and what they may do. */
export const useSession = defineStore("session", () => {
  const status = ref<LoginStatus>();
  /** Whether somebody was logged in and is no longer: the page then asks again, and loses nothing. */
  const expired = ref(false);
  /** Whether the node waits for the passphrase of its key, and can do nothing else. */
  const locked = ref(false);
  /** Whether the owner has set his password just now. */
  const isNew = ref(false);
  const inside = computed(() => may("read"));

  function may(permission: Permission): boolean {
    return status.value?.permissions.includes(permission) ?? false;
  }

  async function know(): Promise<void> {
    if (!status.value) await refresh();
  }

  async function refresh(): Promise<void> {
    const asking = sessionSecret();
    try {
      const found = await call("login-status");
      // Who has logged in meanwhile knows better than an answer to nobody.
      if (sessionSecret() === asking) take(found);
      locked.value = false;
    } catch (problem) {
      locked.value = problem instanceof RpcError && problem.name === "locked";
      status.value ??= NOBODY;
    }
  }

  /** Somebody has logged in here; `first`: who has set the owner's password just now. */
  function enter({ session, device, confirmation, ...found }: Entered, first = false): void {
    if (session) keepSecret(session);
    if (confirmation) keepConfirmation(confirmation);
    if (device && found.user) keepMark(found.user, device);
    take(found, first);
  }

  function take(found: LoginStatus, first = false): void {
    const before = status.value?.user;
    if (before && found.user && before !== found.user) {
      // Nothing of what one account saw is left for another to see.
      location.assign("/");
      return;
    }
    isNew.value = first;
    status.value = found;
    expired.value = false;
    if (inside.value) live.open();
  }

  /** Unlocks the node, and returns once it has started. */
  async function unlock(passphrase: string): Promise<void> {
    await call("key-unlock", { passphrase });
    // Between its two lives it refuses, or is away.
    const status = { queryKey: ["login-status"], queryFn: () => call("login-status"), retry: true, retryDelay: PAUSE };
    take(await queries.fetchQuery(status));
    locked.value = false;
  }

  /** The session has ended, as was asked for. */
  async function forget(): Promise<void> {
    live.close();
    dropSecret();
    dropConfirmation();
    forgetIcons();
    status.value = NOBODY;
    await refresh();
  }

  async function leave(): Promise<void> {
    await call("logout");
    await forget();
  }

  function expire(): void {
    if (inside.value) expired.value = true;
  }
  whenLoginNeeded(expire);
  whenLoggedOut(expire);
  whenSecretChanges((secret) => (secret ? void refresh() : expire()));

  return { status, expired, locked, isNew, inside, may, know, refresh, enter, unlock, forget, leave };
});
