import { ref, watch, type Ref } from "vue";

/** What somebody chose for himself, kept in this browser; what is there and is none of the choices counts as the first. */
export function useKept<T extends string>(key: string, choices: readonly [T, ...T[]]): Ref<T> {
  const name = `archipelago-${key}`;
  const found = choices.find((each) => each === localStorage.getItem(name)) ?? choices[0];
  const kept = ref(found) as Ref<T>;
  watch(kept, (now) => localStorage.setItem(name, now));
  return kept;
}
