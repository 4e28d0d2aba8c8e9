import { describe, expect, it } from "vitest";
import type { AppBackupView, BackupView, Operation, ProofView, TargetView } from "../src/api/types";
import { byDay } from "../src/lib/backups/days";
import { appsFound } from "../src/lib/backups/found";
import { changeOf, draftOf, KINDS_OF_TARGETS, newTarget, settingsOf, type TargetKind } from "../src/lib/backups/kinds";
import { provenBy, stateOf } from "../src/lib/backups/proof";
import { shownOf } from "../src/lib/backups/running";

const OLD = "2026-11-20T03:00:00Z";
const LATE = "2026-11-28T03:00:00Z";
const proof = (own: Partial<ProofView> = {}): ProofView => ({ at: LATE, passed: true, tried: true, seconds: 4, files: 9, databases: 1, started: true, not_started: "", problem: "", ...own }); // prettier-ignore
const app = (name: string, own: Partial<AppBackupView> = {}): AppBackupView => ({ app: name, newest: LATE, proved: LATE, proof: proof(), overdue: false, ...own }); // prettier-ignore
const target = (own: Partial<TargetView> = {}): TargetView => ({
  name: "usb",
  kind: "folder",
  place: "/media/usb",
  settings: { kind: "folder", path: "/media/usb" },
  repository: "ab",
  scheduled: true,
  apps: [app("lnd"), app("knots")],
  checked: LATE,
  problem: "",
  free: null,
  ...own,
});
const backup = (name: string, at: string, id = at): BackupView => ({ id, app: name, version: "1", at });

describe("what backups prove", () => {
  it("is as old as the oldest proof, which the best target gave", () => {
    const first = target({ apps: [app("lnd", { proved: OLD }), app("knots", { proved: OLD })] });
    const second = target({ name: "s3", apps: [app("lnd"), app("knots", { proved: null, proof: null })] });
    expect(provenBy([first, second])).toMatchObject({ state: "proved", at: OLD, proved: ["lnd", "knots"] });
    expect(provenBy([second])).toMatchObject({ state: "partly", at: LATE, unproved: ["knots"] });
  });

  it("is nothing before a trial, and less than nothing after one that failed", () => {
    const untried = { proved: null, proof: null };
    expect(provenBy([target({ apps: [app("lnd", { ...untried, newest: null })] })]).state).toBe("none");
    expect(provenBy([target({ apps: [] })])).toMatchObject({ state: "none", at: null });
    expect(provenBy([target({ apps: [app("lnd", untried)] })])).toMatchObject({ state: "untried", at: null });
    const failed = target({ apps: [app("lnd", { proof: proof({ passed: false, problem: "no" }) }), app("knots")] });
    expect(provenBy([failed])).toMatchObject({ state: "failed", failed: [{ app: "lnd", target: "usb" }] });
    expect(provenBy([failed])).toMatchObject({ proved: ["knots"], unproved: ["lnd"] });
    expect(stateOf(failed).state).toBe("broken");
    const full = target({ apps: [app("lnd", { proof: proof({ passed: false, tried: false }) })] });
    expect(provenBy([full]).state).toBe("proved");
  });

  it("says which backups are overdue", () => {
    const late = target({ apps: [app("lnd", { overdue: true }), app("knots")] });
    expect(provenBy([late])).toMatchObject({ state: "overdue", overdue: [{ app: "lnd", target: "usb" }] });
    expect(stateOf(late)).toMatchObject({ state: "overdue", overdue: ["lnd"], newest: LATE });
    expect(stateOf({ ...late, problem: "the disk is gone" }).state).toBe("fails");
    expect(stateOf(target({ apps: [app("lnd", { newest: null, proof: null })] })).state).toBe("new");
    const trials = [app("a", { proof: proof({ at: OLD }) }), app("b", { proof: proof({ at: LATE, passed: false }) })];
    expect(stateOf(target({ apps: trials })).proof?.passed).toBe(false);
  });
});

describe("a target", () => {
  it.each(Object.keys(KINDS_OF_TARGETS) as TargetKind[])("of kind %s is typed and stored as it was", (kind) => {
    const draft = newTarget(kind, []);
    for (const field of KINDS_OF_TARGETS[kind].fields) draft.typed[field.name] = field.type === "number" ? "22" : " x ";
    const settings = settingsOf(draft);
    expect(settings.kind).toBe(kind);
    const again = draftOf(target({ kind, settings }));
    expect(settingsOf(again!)).toEqual(settings);
    expect(again!.secret).toBe("");
  });

  it("gets a name of its own", () => {
    expect(newTarget("folder", []).name).toBe("usb");
    expect(newTarget("folder", ["usb", "usb-2", "s3"]).name).toBe("usb-3");
  });

  it("is told only what is different of it", () => {
    const before = target();
    const draft = draftOf(before)!;
    expect(changeOf(before, draft)).toEqual({});
    expect(changeOf(before, { ...draft, scheduled: false })).toEqual({ scheduled: false });
    expect(changeOf(before, { ...draft, typed: { path: "/mnt/b" }, secret: "s" })).toEqual({
      settings: { kind: "folder", path: "/mnt/b" },
      secret: "s",
    });
    expect(draftOf(target({ settings: null }))).toBeUndefined();
  });
});

describe("the backups that are there", () => {
  it("are shown by day, the latest first", () => {
    const days = byDay([backup("a", "2026-11-28T10:00:00"), backup("a", "2026-11-29T09:00:00"), backup("a", "2026-11-28T23:59:59")]); // prettier-ignore
    expect(days.map((one) => one.all.map((each) => each.at))).toEqual([
      ["2026-11-29T09:00:00"],
      ["2026-11-28T23:59:59", "2026-11-28T10:00:00"],
    ]);
    expect(days[0]!.day).toBe(new Date(2026, 10, 29).getTime());
  });

  it("are counted by app", () => {
    expect(appsFound([backup("a", OLD), backup("b", OLD), backup("a", LATE)])).toEqual([
      { app: "a", newest: backup("a", LATE), count: 2 },
      { app: "b", newest: backup("b", OLD), count: 1 },
    ]);
  });
});

describe("work on backups", () => {
  const work = (kind: Operation["kind"], app: string, apps: string[] = []): Operation => ({ id: `${kind}-${app}`, kind, app, apps, state: "running", percent: 0, steps: [], error: null, cancellable: true, created_at: LATE, updated_at: LATE, revision: 0 }); // prettier-ignore

  it("is shown once: an app of a restore of all is a step there", () => {
    const all = work("backup-restore-all", "", ["lnd", "knots"]);
    const running = [work("backup-restore", "lnd"), all, work("backup-restore", "other"), work("install", "lnd")];
    expect(shownOf(running).map((one) => one.id)).toEqual(["backup-restore-all-", "backup-restore-other"]);
  });

  it("of another kind is shown beside it", () => {
    const running = [work("backup-all", "", ["lnd"]), work("backup", "lnd"), work("backup-drill", "lnd")];
    expect(shownOf(running).map((one) => one.kind)).toEqual(["backup-all", "backup-drill"]);
    expect(shownOf([work("backup", "lnd")])).toHaveLength(1);
  });
});
