import { RpcError } from "../api/rpc";
import type { Message, OptionView } from "../api/types";
import { said } from "../i18n/node";

/** What was typed into the fields of options; the node reads texts as the option's type, and says what is wrong with them. */
export type Given = Record<string, boolean | string>;

/** A value as a field holds it. */
export const inField = (value: OptionView["value"]): boolean | string =>
  typeof value === "boolean" ? value : String(value);

interface Problem {
  option: string;
  message: string;
  expected: string | null;
  messages?: Record<string, Message>;
}

/** Returns what the node found wrong with options, by the option's name. */
export function optionProblems(error: unknown): Record<string, string> {
  if (!(error instanceof RpcError) || !Array.isArray(error.data.problems)) return {};
  const problems = error.data.problems as Problem[];
  return Object.fromEntries(
    problems.map((one) => [
      one.option,
      [said(one, "message"), one.expected && said(one, "expected")].filter(Boolean).join("; "),
    ]),
  );
}
