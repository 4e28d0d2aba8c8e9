import { onScopeDispose, ref, type Ref } from "vue";

/** Milliseconds between two looks. */
const EVERY = 3000;

/**
 * Returns whether this browser trusts what answers at an address, kept up to date until the scope ends; undefined until it is
 * known. What the answer is nobody may read: that there is one says that the certificate is trusted.
 */
export function useTrusted(address: () => string | undefined): Ref<boolean | undefined> {
  const trusted = ref<boolean>();
  let ended = false;
  let timer = 0;

  async function look(): Promise<void> {
    const asked = document.hidden ? undefined : address();
    if (asked !== undefined) {
      const found = await fetch(asked, { mode: "no-cors", cache: "no-store" }).then(
        () => true,
        () => false,
      );
      trusted.value = found;
    }
    if (!ended) timer = window.setTimeout(look, EVERY);
  }
  void look();
  onScopeDispose(() => {
    ended = true;
    window.clearTimeout(timer);
  });
  return trusted;
}
