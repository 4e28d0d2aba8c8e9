"""What needs several user ids; `test_namespace_owners` runs it as root of the service user's namespace."""

import os
import shutil
from pathlib import Path

from support.agent_requests import ask


def on_host(kind: str, number: int) -> int:
    """Return the id that a user or group of this namespace has outside of it (user_namespaces(7))."""
    for line in Path(f"/proc/self/{kind}_map").read_text().splitlines():
        inside, outside, count = map(int, line.split())
        if inside <= number < inside + count:
            return outside + number - inside
    raise LookupError(number)


def test_a_volume_whose_files_are_all_another_s_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("one", "two"):
        (tmp_path / "data" / name).touch()
    request = {"do": "look", "path": str(tmp_path / "data"), "uid": 70_000, "gid": 70_000, "ids": 65536}
    os.chown(tmp_path / "data", 70_000, 70_000)
    assert ask(tmp_path, **request)["foreign"] is True
    os.chown(tmp_path / "data" / "one", 65_600, 65_600)
    assert ask(tmp_path, **request)["foreign"] is False
    os.chown(tmp_path / "data", 200_000, 200_000)
    answer = ask(tmp_path, **request)
    assert (answer["foreign"], answer["chown"]) == (True, f"{on_host('uid', 70_000)}:{on_host('gid', 70_000)}")


def test_a_volume_is_divided_once_and_what_was_in_it_becomes_a_part(tmp_path: Path) -> None:
    volume = tmp_path / "index"

    def divided(part: str) -> list[str]:
        assert ask(tmp_path, do="divide", path=str(volume), part=part, gid=70_000)["ok"]
        assert ask(tmp_path, do="directory", path=str(volume / part), uid=70_000, gid=70_000)["ok"]
        about = {"do": "look", "path": str(volume), "uid": 70_000, "gid": 70_000, "ids": 65536, "divided": True}
        assert ask(tmp_path, **about)["foreign"] is False
        assert (volume.stat().st_uid, volume.stat().st_mode & 0o777) == (0, 0o710)
        return sorted(str(each.relative_to(volume)) for each in volume.rglob("*") if each.name != ".divided")

    (volume / ".part").mkdir(parents=True)  # an earlier move was killed halfway
    for name in (".part/utxo", "hist"):
        (volume / name).touch()
    inode = volume.stat().st_ino
    os.chown(volume, 70_000, 70_000)
    assert divided("regtest") == ["regtest", "regtest/hist", "regtest/utxo"]
    assert volume.stat().st_ino == inode, "it stays the volume that the node knows"
    assert divided("signet") == ["regtest", "regtest/hist", "regtest/utxo", "signet"]
    # As after 'chown -R', by which an owner may have helped a disk that was moved.
    os.chown(volume, 70_000, 70_000)
    assert divided("signet") == ["regtest", "regtest/hist", "regtest/utxo", "signet"]
    shutil.rmtree(volume)
    assert divided("mainnet") == ["mainnet"]
