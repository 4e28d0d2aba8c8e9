"""Progress of pulls, read from what Podman printed."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.images.progress import PullProgress

# Said by Podman 4.3.1; the pull has one more blob here.
PULL = """Trying to pull localhost:40117/thing/app@sha256:7e151df96984009b56e90527366f6fd21e0dfc2f2ae4286816ae105f...
Getting image source signatures
Copying blob sha256:e5b84fa44d6eb786114938bf824ad3c51408e0be8f845706e0fdf15d86b83ff6
Copying blob sha256:0d29d6dbf2b2d3ab0ab7ff0ff34a1a9ccfb85ef4d8ddb1e2a8c4b4a1a0d2c111
Copying config sha256:14a281da663e482cb7c60a977ba31789b96edfedda861a759d3f9a686cc641d5
Writing manifest to image destination
Storing signatures""".splitlines()


def test_a_pull_grows_from_line_to_line_and_is_not_done_before_its_end() -> None:
    progress, told = PullProgress(), []
    for line in PULL:
        progress = progress.after(line)
        told.append(progress.percent)
    assert told == sorted(set(told)), "each of these lines is a step forward"
    assert told[0] > 0 and told[-1] < 100
    assert len(progress.seen) == 2


def test_copied_blobs_count_whole() -> None:
    digest = "e5b84fa44d6eb786114938bf824ad3c51408e0be8f845706e0fdf15d86b83ff6"
    begun = PullProgress().after(f"Copying blob sha256:{digest}")
    for word in ("done", "skipped: already exists"):
        copied = begun.after(f"Copying blob {digest} {word}")
        assert copied.percent > begun.percent
        assert copied.copied == {digest} == copied.seen
    assert begun.after("Copying blob nonsense") == begun


@given(st.lists(st.sampled_from([*PULL, "Copying blob 0123456789ab done", "Copying blob 0123456789ab", "x", ""])))
def test_a_pull_never_goes_back(lines: list[str]) -> None:
    progress = PullProgress()
    for line in lines:
        after = progress.after(line)
        assert progress.percent <= after.percent < 100
        progress = after
