"""How a process is held, from what proc(5) says."""

from pathlib import Path

from archipelago.support.process_status import read_process

HELD = "Name:\tx\nNoNewPrivs:\t1\nSeccomp:\t2\nCapBnd:\t{:016x}\n"


def proc(folder: Path, status: str, uid_map: str = "0 1000001 65536\n") -> Path:
    (folder / "7").mkdir()
    (folder / "7/status").write_text(status)
    (folder / "7/uid_map").write_text(uid_map)
    return folder


def test_a_held_process_is_told_from_a_free_one(tmp_path: Path) -> None:
    found = read_process(proc(tmp_path, HELD.format(1 << 10 | 1 << 21)), 7)
    assert found is not None and found.no_new_privileges and found.seccomp_filter and found.uid_base == 1000001
    assert found.capabilities_beyond(("CAP_NET_BIND_SERVICE",)) == "CAP_SYS_ADMIN"
    assert found.security_label == ""
    free = tmp_path / "free"
    free.mkdir()
    found = read_process(proc(free, "NoNewPrivs:\t0\nSeccomp:\t0\nCapBnd:\t0\n", "0 0 4294967295\n"), 7)
    assert found is not None and not found.no_new_privileges and not found.seccomp_filter and found.uid_base == 0
    assert found.capabilities_beyond(()) == ""


def test_a_process_that_is_gone_or_makes_no_sense_is_none(tmp_path: Path) -> None:
    assert read_process(tmp_path, 7) is None
    assert read_process(proc(tmp_path, "CapBnd:\tx\n"), 7) is None
