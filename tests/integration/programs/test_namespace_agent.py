"""The program in the user namespace, as a process of this user's: what it refuses, and what it says then."""

import base64
import json
import os
import select
import subprocess
import sys
from pathlib import Path

from archipelago.container.namespace.agent.program import agent_program
from support.agent_requests import ask


def test_a_link_in_the_place_of_a_volume_is_refused_and_named(tmp_path: Path) -> None:
    root, disk = tmp_path / "volumes", tmp_path / "disk"
    root.mkdir()
    disk.mkdir()
    (root / "data").symlink_to(disk)
    answer = ask(root, do="directory", path=str(root / "data"), uid=os.geteuid(), gid=os.getegid())
    assert answer["ok"] is False and "a link" in str(answer["error"]) and f"--bind {disk}" in str(answer["error"])


def test_several_requests_are_carried_out_in_order_up_to_the_first_that_fails(tmp_path: Path) -> None:
    ids = {"uid": os.geteuid(), "gid": os.getegid()}
    content = {"mode": 0o640, "content": base64.b64encode(b"rpcport=1").decode()}
    folder = {"do": "directory", "path": str(tmp_path / "main"), **ids}
    file, stray = (
        {"do": "file", "path": path, **ids, **content}
        for path in (str(tmp_path / "main" / "app.conf"), str(tmp_path.parent / "stray"))
    )
    answer = ask(tmp_path, do="each", path=str(tmp_path), requests=[folder, file, stray, {**folder, "path": "/late"}])
    answers = answer["answers"]
    assert isinstance(answers, list) and [each["ok"] for each in answers] == [True, True, False]
    assert "outside" in answers[2]["error"] and not (tmp_path.parent / "stray").exists()
    written = tmp_path / "main" / "app.conf"
    assert written.read_bytes() == b"rpcport=1" and written.stat().st_mode & 0o777 == 0o640


def looked(root: Path, name: str) -> dict[str, object]:
    """Return what is said of a directory that should be this user's."""
    return ask(root, do="look", path=str(root / name), uid=os.geteuid(), gid=os.getegid(), ids=65536)


def test_a_look_at_a_volume_changes_nothing_and_tells_what_mkfs_made_from_data(tmp_path: Path) -> None:
    assert looked(tmp_path, "gone/data") == {"id": 1, "ok": True, "there": False}
    assert not (tmp_path / "gone").exists()
    (tmp_path / "data" / "lost+found").mkdir(parents=True)
    empty = looked(tmp_path, "data")
    assert (empty["there"], empty["empty"]) == (True, True)
    assert (empty["inode"], empty["filesystem"]) == ((tmp_path / "data").stat().st_ino, None)
    (tmp_path / "data" / "wallet").touch()
    full = looked(tmp_path, "data")
    assert full == {**empty, "empty": False}
    (tmp_path / "link").symlink_to("data")
    assert "a link" in str(looked(tmp_path, "link")["error"])


def test_disks_below_a_directory_are_found_whatever_file_system_it_is_on(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert ask(tmp_path, do="mounts", path=str(tmp_path / "data"))["mounts"] == []
    assert ask(tmp_path, do="mounts", path=str(tmp_path / "gone"))["mounts"] == []
    mounts = (line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    disk = Path(next(each for each in mounts if each.count("/") > 1 and "\\" not in each))  # such as /dev/pts
    found = ask(disk.parent, do="mounts", path=str(disk))["mounts"]
    assert isinstance(found, list) and str(disk) in found


def test_a_copy_ends_with_an_agent_that_is_killed(tmp_path: Path) -> None:
    programs, told = tmp_path / "bin", tmp_path / "told"
    programs.mkdir()
    (tmp_path / "data").mkdir()
    os.mkfifo(told)
    (programs / "cp").write_text(f'#!/bin/sh\necho $$ > "{told}"\nexec sleep 600\n')
    (programs / "cp").chmod(0o755)
    command = [sys.executable, "-I", "-c", agent_program(), str(tmp_path)]
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as agent:
        assert agent.stdin is not None
        request = {"path": str(tmp_path / "data"), "to": str(tmp_path / "copy"), "method": "copy", "number": 1}
        agent.stdin.write(json.dumps({"id": 1, "do": "copy", **request}).encode() + b"\n")
        agent.stdin.flush()
        copy = os.pidfd_open(int(told.read_text()))
        agent.kill()
    assert select.select([copy], [], [], 50)[0], "it runs on"
    os.close(copy)


def test_a_rename_stays_below_the_node_s_directories_and_overwrites_nothing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "from").mkdir(parents=True)
    (root / "from" / "wallet").touch()
    (root / "taken").mkdir()
    (root / "taken" / "other").touch()
    assert ask(root, do="rename", path=str(root / "from"), to=str(tmp_path / "out"))["ok"] is False
    assert ask(root, do="rename", path=str(root / "from"), to=str(root / "taken"))["ok"] is False
    assert ask(root, do="rename", path=str(root / "from"), to=str(root / "to"))["ok"] is True
    assert (root / "to" / "wallet").exists() and (root / "taken" / "other").exists()


def test_what_is_in_a_volume_is_seen_set_aside_and_deleted(tmp_path: Path) -> None:
    volume = tmp_path / "chain"
    (volume / "regtest" / "blocks").mkdir(parents=True)
    (volume / "regtest" / "settings.json").write_text("")
    (volume / "regtest" / "blocks" / "blk00000.dat").write_text("x")
    regtest = ("settings.json", "blocks")
    paths = [*(["regtest", name] for name in regtest), ["signet", "blocks"], ["regtest", "settings.json", "x"]]
    assert ask(tmp_path, do="find", path=str(volume), paths=paths)["found"] == [True, True, False, False]
    assert ask(tmp_path, do="find", path=str(tmp_path / "none"), paths=paths)["found"] == [False] * 4
    for moved in (True, False):
        answer = ask(tmp_path, do="aside", path=str(volume), names=["regtest", "settings.json"], suffix="aside-1")
        assert answer["moved"] is moved
    assert (volume / "regtest" / "settings.json.aside-1").exists()
    for _ in range(2):
        assert ask(tmp_path, do="discard", path=str(volume), names=["regtest", "blocks"])["ok"]
        assert ask(tmp_path, do="discard", path=str(volume), names=["signet", "blocks"])["ok"]
    assert [each.name for each in (volume / "regtest").iterdir()] == ["settings.json.aside-1"]
    assert ask(tmp_path, do="discard", path=str(volume), names=[])["ok"]
    assert volume.is_dir() and not list(volume.iterdir())


def test_a_file_that_is_put_into_a_volume_replaces_another_one_and_follows_no_link(tmp_path: Path) -> None:
    volume, others = tmp_path / "proofs", tmp_path / "others"
    volume.mkdir()
    others.mkdir()

    def put(*names: str, content: bytes = b"first") -> bool:
        encoded = base64.b64encode(content).decode()
        return bool(ask(tmp_path, do="put", path=str(volume), names=names, content=encoded)["ok"])

    assert put("a", "b", "copy") and put("a", "b", "copy", content=b"second")
    assert (volume / "a" / "b" / "copy").read_bytes() == b"second"
    assert [each.name for each in (volume / "a" / "b").iterdir()] == ["copy"]
    (volume / "folder").symlink_to(others)
    (volume / "link").symlink_to(others / "copy")
    assert not put("folder", "copy") and not put("..", "others", "copy") and not put("a/../../others/copy")
    assert put("link") and not (volume / "link").is_symlink()
    assert not list(others.iterdir())


def test_a_link_in_a_volume_leads_nowhere(tmp_path: Path) -> None:
    volume, others = tmp_path / "index", tmp_path / "wallets"
    volume.mkdir()
    others.mkdir()
    (others / "keys").write_text("money")
    (volume / "folder").symlink_to(others)
    (volume / "file").symlink_to(others / "keys")
    assert ask(tmp_path, do="find", path=str(volume), paths=[["folder", "keys"], ["folder"]])["found"] == [False, True]
    assert ask(tmp_path, do="aside", path=str(volume), names=["folder", "keys"], suffix="aside-1")["moved"] is False
    assert ask(tmp_path, do="discard", path=str(volume), names=["folder", "keys"])["ok"]
    assert ask(tmp_path, do="discard", path=str(volume), names=["..", "wallets", "keys"])["ok"] is False
    assert ask(tmp_path, do="discard", path=str(volume), names=["folder"])["ok"]
    assert ask(tmp_path, do="discard", path=str(volume), names=[])["ok"]
    assert not list(volume.iterdir()) and (others / "keys").read_text() == "money"


def test_data_that_a_killed_move_left_in_between_is_data(tmp_path: Path) -> None:
    (tmp_path / "data" / ".divided").mkdir(parents=True)
    (tmp_path / "data" / ".part").mkdir()
    assert looked(tmp_path, "data")["empty"] is True
    (tmp_path / "data" / ".part" / "wallet").touch()
    assert (looked(tmp_path, "data")["empty"], looked(tmp_path, "data")["foreign"]) == (False, False)


def test_a_gentle_count_finds_the_same_and_pauses(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    for number in range(600):
        (volume / f"{number}").write_text("x" * 5000)
    (volume / "again").hardlink_to(volume / "0")
    counts = [ask(tmp_path, do="size", path=str(volume), timeout=60.0, gentle=gentle) for gentle in (False, True)]
    assert counts[0] == counts[1] == {"id": 1, "ok": True, "bytes": 600 * 8192, "complete": True}
    assert ask(tmp_path, do="size", path=str(volume), timeout=0.0, gentle=True)["complete"] is False
