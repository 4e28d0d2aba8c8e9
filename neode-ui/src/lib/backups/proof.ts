import type { AppBackupView, ProofView, TargetView } from "../../api/types";

/** An app on a target. */
export interface AppOnTarget {
  app: string;
  target: string;
}

/** What is known of whether the apps could be restored. */
export interface Proven {
  /** The worst that is so. */
  state: "none" | "failed" | "overdue" | "untried" | "partly" | "proved";
  /** When the app whose proof is the oldest was last restored for a trial; null where none ever was. */
  at: string | null;
  proved: string[];
  unproved: string[];
  failed: Array<AppOnTarget & { proof: ProofView }>;
  overdue: AppOnTarget[];
}

const newest = (times: Array<string | null>): string | null =>
  times
    .filter((each) => each !== null)
    .reduce<string | null>((best, each) => (best && best > each ? best : each), null);

/** Tells whether a drill found that a backup cannot be restored; a proof of before it says nothing any more. */
export const hasFailed = (proof: ProofView | null): proof is ProofView => !!proof && proof.tried && !proof.passed;

/** Returns the apps of all targets, each with what is known of it there. */
export function byApp(targets: readonly TargetView[]): Map<string, Array<AppBackupView & { target: string }>> {
  const apps = new Map<string, Array<AppBackupView & { target: string }>>();
  for (const target of targets)
    for (const one of target.apps) apps.set(one.app, [...(apps.get(one.app) ?? []), { ...one, target: target.name }]);
  return apps;
}

/** Returns what targets prove together: an app counts as proved where one of its targets proved it. */
export function provenBy(targets: readonly TargetView[]): Proven {
  const apps = [...byApp(targets)].map(([app, found]) => ({
    app,
    made: newest(found.map((one) => one.newest)),
    at: newest(found.map((one) => (hasFailed(one.proof) ? null : one.proved))),
  }));
  const all = [...byApp(targets).values()].flat();
  const proved = apps.filter((one) => one.at !== null);
  const failed = all.flatMap(({ app, target, proof }) => (hasFailed(proof) ? [{ app, target, proof }] : []));
  const overdue = all.filter((one) => one.overdue).map(({ app, target }) => ({ app, target }));
  const unproved = apps.filter((one) => one.at === null).map((one) => one.app);
  const at = proved.map((one) => one.at!).reduce<string | null>((worst, each) => (worst && worst < each ? worst : each), null); // prettier-ignore
  return { state: stateOf(), at, proved: proved.map((one) => one.app), unproved, failed, overdue };

  function stateOf(): Proven["state"] {
    if (failed.length) return "failed";
    if (overdue.length) return "overdue";
    if (!apps.some((one) => one.made)) return "none";
    if (!proved.length) return "untried";
    return unproved.length ? "partly" : "proved";
  }
}

/** What is known of one target, over all its apps. */
export interface TargetState {
  state: "fails" | "broken" | "overdue" | "new" | "works";
  newest: string | null;
  /** Its newest drill, of whichever app. */
  proof: ProofView | null;
  overdue: string[];
}

/** Returns what is known of a target. */
export function stateOf({ apps, problem }: TargetView): TargetState {
  const proofs = apps.map((one) => one.proof).filter((one) => one !== null);
  const proof = proofs.reduce<ProofView | null>((best, one) => (best && best.at > one.at ? best : one), null);
  const made = newest(apps.map((one) => one.newest));
  const overdue = apps.filter((one) => one.overdue).map((one) => one.app);
  const broken = proofs.some(hasFailed);
  const works = overdue.length ? "overdue" : made ? "works" : "new";
  return { state: problem ? "fails" : broken ? "broken" : works, newest: made, proof, overdue };
}
