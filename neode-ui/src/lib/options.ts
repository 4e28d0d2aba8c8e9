import { RpcError } from "../api/rpc";
import type { OptionView } from "../api/types";

/** What was typed into the fields of options; the node reads texts as the option's type, and says what is wrong with them. */
export type Given = Record<string, boolean | string>;

/** A value as a field holds it. */
export const inField = (value: OptionView["value"]): boolean | string =>
  typeof value === "boolean" ? value : String(value);

/** Returns what the node found wrong with options, by the option's name. */
export function optionProblems(error: unknown): Record<string, string> {
  if (!(error instanceof RpcError) || !Array.isArray(error.data.problems)) return {};
  const problems = error.data.problems as Array<{ option: string; message: string; expected: string | null }>;
  return Object.fromEntries(
    problems.map((one) => [one.option, one.expected ? `${one.message}; ${one.expected}` : one.message]),
  );
}
