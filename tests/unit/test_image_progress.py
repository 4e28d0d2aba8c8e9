"""Progress of pulls and builds, read from what Podman printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.image_progress import PullProgress, build_percent

# Said by Podman 4.3.1; the pull has one more blob here.
BUILD = """[1/2] STEP 1/3: FROM localhost/archipelago-test/busybox:1 AS a
[1/2] STEP 2/3: ARG X
--> 29a88092176
[1/2] STEP 3/3: RUN echo one
one
--> 109a0032896
[2/2] STEP 1/3: FROM localhost/archipelago-test/busybox:1
[2/2] STEP 2/3: COPY --from=a /etc/passwd /x
--> d67ffe959af
[2/2] STEP 3/3: RUN true
[2/2] COMMIT localhost/t:1
--> 78ea9f1cbf7
Successfully tagged localhost/t:1""".splitlines()
PULL = """Trying to pull localhost:40117/thing/app@sha256:7e151df96984009b56e90527366f6fd21e0dfc2f2ae4286816ae105f...
Getting image source signatures
Copying blob sha256:e5b84fa44d6eb786114938bf824ad3c51408e0be8f845706e0fdf15d86b83ff6
Copying blob sha256:0d29d6dbf2b2d3ab0ab7ff0ff34a1a9ccfb85ef4d8ddb1e2a8c4b4a1a0d2c111
Copying config sha256:14a281da663e482cb7c60a977ba31789b96edfedda861a759d3f9a686cc641d5
Writing manifest to image destination
Storing signatures""".splitlines()


def test_the_steps_of_all_stages_count_and_other_lines_say_nothing() -> None:
    told = [build_percent(line) for line in BUILD]
    assert [percent for percent in told if percent is not None] == [0.0, 15.8, 31.7, 47.5, 63.3, 79.2, 95.0]
    assert build_percent(BUILD[2]) is None and build_percent("one") is None


@pytest.mark.parametrize(
    ("line", "percent"),
    [
        ("STEP 1/4: FROM x", 0.0),
        ("STEP 3/4: RUN make", 47.5),
        ("COMMIT localhost/x:1", 95.0),
        ("STEP 5/4: RUN x", None),
        ("STEP 0/0: x", None),
        ("[3/2] STEP 1/1: x", None),
        ("[0/0] COMMIT x", None),
        ("  STEP 1/4: x", None),
        ("COMMITTED", None),
        ("", None),
    ],
)
def test_a_line_of_a_build(line: str, percent: float | None) -> None:
    assert build_percent(line) == percent


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
