/**
 * Marks that the node gave to this browser, one for each account that has logged in here. They open nothing: with one of them
 * the owner logs in though somebody else at the same address guesses passwords.
 */
const NAME = "archipelago-devices";

function marks(): Record<string, string> {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "{}") as Record<string, string>;
  } catch {
    return {};
  }
}

/** Keeps the mark that came with a login; the newest is the last. */
export function keepMark(user: string, mark: string): void {
  const others = Object.entries(marks()).filter(([name]) => name !== user);
  localStorage.setItem(NAME, JSON.stringify(Object.fromEntries([...others, [user, mark]])));
}

/** Returns the header with the mark for an account; where there is none, or no account is meant, with the newest. */
export function device(user?: unknown): Record<string, string> {
  const kept = marks();
  const mark = (typeof user === "string" && kept[user]) || Object.values(kept).at(-1);
  return mark ? { "Archipelago-Device": mark } : {};
}
