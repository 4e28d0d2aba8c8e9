"""Trial runs: an app, as it was at one moment, comes up in a scratch copy without network and is asked how it is.

`TrialRuns.run(TrialOrder(record, source))` (module `trial_runs`) is all that a job needs. Give it

- `record`: the app as it was then, with the slot that it has now (`record_from_json(text, now)`): its user ids own the
  copy;
- `source`: a `SnapshotFolder`, of which `volumes` and `secrets` are used. Nothing in it is changed, unless `consume`
  says that it may be used up, as what a drill has just restored: then its volumes are renamed instead of copied.

The images must be there (`parts.fetcher.fetched(tracker, {app: record.package})`), and none may be pruned meanwhile.
The answer is a `TrialVerdict` (module `verdict`): the app passes once all containers are healthy or syncing; it fails
where one of them crashes three times, or does not answer in its start time; it is undecided where it does not come up
and cannot do without another app. `run` raises `NodeError` where it cannot be tried at all: a full disk, channel state.

With `only`, one container starts without the others, as a database server into which a dump is loaded; with `keep`, the
source gets the volumes back as they are then. No state of channels is ever in a copy.

`stay` is awaited with the verdict while the copy still runs. Nothing of it is left when `run` returns, is cancelled or
fails; after a crash, `sweep` removes it at the next start, and conmon ends its containers in any case.

The copy has no network but one loopback that its containers share (`isolated`), so it can use no wallet or channel
twice. It has no device of the host, and publishes no port; `forwarding` leads its owner to its pages on the loopback of
this host, and nothing from there to anywhere.
"""
