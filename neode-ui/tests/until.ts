import { vi } from "vitest";

/** Waits until a check passes, on a busy machine too: vitest's own `waitFor` gives up after a second. */
export const until = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 50_000 });
