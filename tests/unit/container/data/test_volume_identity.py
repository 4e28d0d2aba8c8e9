"""Whether a volume is the one that the node made."""

import pytest

from archipelago.container.data.identity import Trouble, VolumeVerdict, judge
from archipelago.container.namespace.found import Found
from archipelago.storage.records.volumes import Mark

HERE = Mark(inode=11, filesystem=None)
DISK = Mark(inode=2, filesystem=77)


def found(mark: Mark, *, empty: bool = False, foreign: bool = False) -> Found:
    return Found(mark, empty=empty, foreign=foreign)


@pytest.mark.parametrize(
    ("known", "there", "verdict"),
    [
        (None, None, VolumeVerdict.NEW),
        (HERE, None, VolumeVerdict.GONE),
        (HERE, found(HERE), VolumeVerdict.SAME),
        (HERE, found(HERE, empty=True), VolumeVerdict.SAME),  # the app itself has emptied it
        (DISK, found(HERE, empty=True), VolumeVerdict.EMPTY),  # the disk is not mounted: where it was is a directory
        (DISK, found(Mark(2, 78), empty=True), VolumeVerdict.EMPTY),  # another disk is mounted
        (HERE, found(DISK, empty=True), VolumeVerdict.EMPTY),
        (HERE, found(DISK), VolumeVerdict.MOVED),  # copied to a larger disk
        (None, found(HERE), VolumeVerdict.NEW),  # from a node that kept no marks
        (None, found(DISK, empty=True, foreign=True), VolumeVerdict.NEW),  # what mkfs has made is root's
        (None, found(HERE, foreign=True), VolumeVerdict.FOREIGN),
        (HERE, found(DISK, foreign=True), VolumeVerdict.FOREIGN),
        (HERE, found(DISK, empty=True, foreign=True), VolumeVerdict.EMPTY),
    ],
)
def test_absent_is_not_new(known: Mark | None, there: Found | None, verdict: VolumeVerdict) -> None:
    assert judge(known, there) is verdict


def test_only_what_is_lost_can_be_given_up() -> None:
    assert {verdict for verdict in VolumeVerdict if verdict.lost} == {VolumeVerdict.GONE, VolumeVerdict.EMPTY}
    assert {verdict for verdict in VolumeVerdict if not verdict.usable} == {
        VolumeVerdict.GONE,
        VolumeVerdict.EMPTY,
        VolumeVerdict.FOREIGN,
    }
    for verdict in (VolumeVerdict.GONE, VolumeVerdict.EMPTY, VolumeVerdict.FOREIGN):
        trouble = Trouble("chain", "/data/apps/knots/volumes/chain", verdict, "101000:101000")
        assert trouble.path in trouble.what
        assert ("start-empty knots" in trouble.remedy("knots")) is verdict.lost
        assert (f"sudo chown -R 101000:101000 {trouble.path}" in trouble.remedy("knots")) is not verdict.lost
