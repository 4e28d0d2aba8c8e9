import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { live } from "../api/live";
import { call, whenLoginNeeded } from "../api/rpc";
import type { LoginStatus, Permission } from "../api/types";

/** Who looks at this page, and what they may do. */
export const useSession = defineStore("session", () => {
  const status = ref<LoginStatus>();
  /** Whether somebody was logged in and is no longer: the page then asks again, and loses nothing. */
  const expired = ref(false);
  const inside = computed(() => may("read"));

  function may(permission: Permission): boolean {
    return status.value?.permissions.includes(permission) ?? false;
  }

  async function know(): Promise<void> {
    if (!status.value) await refresh();
  }

  async function refresh(): Promise<void> {
    try {
      take(await call("login-status"));
    } catch {
      status.value ??= { set_up: true, user: null, role: null, permissions: [], second_factor: false };
    }
  }

  function take(found: LoginStatus): void {
    status.value = found;
    expired.value = false;
    if (inside.value) live.open();
  }

  async function leave(): Promise<void> {
    await call("logout");
    live.close();
    await refresh();
  }

  whenLoginNeeded(() => {
    if (inside.value) expired.value = true;
  });

  return { status, expired, inside, may, know, refresh, take, leave };
});
