import { ref, watch, type Ref } from "vue";

/** How hard a password is to guess: 0 for one of the first that somebody tries, 4 for one that nobody finds. */
export type Strength = 0 | 1 | 2 | 3 | 4;

type Judge = (password: string) => Strength;
let judge: Promise<Judge> | undefined;

/** Loads what judges passwords, with the words and passwords that are common: heavy, and needed rarely. */
async function load(): Promise<Judge> {
  const [{ ZxcvbnFactory }, common] = await Promise.all([
    import("@zxcvbn-ts/core"),
    import("@zxcvbn-ts/language-common"),
  ]);
  const zxcvbn = new ZxcvbnFactory({ dictionary: common.dictionary, graphs: common.adjacencyGraphs });
  return (password) => zxcvbn.check(password).score;
}

/** More than that is not looked at: it takes long, and is strong by its length alone. */
const LONGEST = 100;

/** Returns how strong a password is, a moment after it was typed; undefined until it is known. It never leaves the browser. */
export function useStrength(password: Readonly<Ref<string>>): Ref<Strength | undefined> {
  const strength = ref<Strength>();
  watch(password, async (typed) => {
    if (!typed) {
      strength.value = undefined;
      return;
    }
    judge ??= load();
    const judged = await judge.catch(() => undefined);
    if (typed === password.value) strength.value = judged?.(typed.slice(0, LONGEST));
  });
  return strength;
}
