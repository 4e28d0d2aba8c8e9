import { defineStore } from "pinia";
import { ref } from "vue";
import { keepConfirmation } from "../api/confirmation";
import { call, whenConfirmNeeded } from "../api/rpc";
import { answerChallenge } from "../lib/passkey";

/** Has whoever is logged in show once more that it is still he, whenever the node asks for that. */
export const useIdentity = defineStore("identity", () => {
  /** Whether he is being asked. */
  const asked = ref(false);
  let answer: (confirmed: boolean) => void = () => {};
  let waiting: Promise<boolean> | undefined;

  /** Asks; returns whether he has shown it. Several questions at once are one. */
  function ask(): Promise<boolean> {
    waiting ??= new Promise<boolean>((give) => {
      asked.value = true;
      answer = give;
    }).finally(() => {
      asked.value = false;
      waiting = undefined;
    });
    return waiting;
  }

  /** Shows it by the password; throws where that is wrong. */
  async function confirm(password: string): Promise<void> {
    keepConfirmation((await call("login-confirm", { password })).confirmation);
    answer(true);
  }

  /** Shows it by a passkey. */
  async function confirmByPasskey(): Promise<void> {
    keepConfirmation((await call("login-confirm", { credential: await answerChallenge() })).confirmation);
    answer(true);
  }

  function cancel(): void {
    answer(false);
  }

  whenConfirmNeeded(ask);
  return { asked, ask, confirm, confirmByPasskey, cancel };
});
