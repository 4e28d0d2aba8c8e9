"""What the doctor can see without Podman, against files of its own."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archipelago.api.system import Severity
from archipelago.config import read_config
from archipelago.performance.checks import host as host_checks
from archipelago.performance.checks import setup as setup_checks
from archipelago.performance.doctor import examine_without_node
from archipelago.security.keys.certificates import Certificates
from archipelago.storage.layout import Layout
from archipelago.storage.tls_folder import TlsFolder
from support.sealed_keys import Sealed


def test_ids_are_counted_over_all_lines_of_the_user(tmp_path: Path) -> None:
    file = tmp_path / "subuid"
    (missing,) = setup_checks.granted_ids((file,))
    assert missing.severity is Severity.ERROR and str(file) in missing.what and missing.mend == "make setup"
    file.write_text("lead:100000:16777216\narchipelago:20000000:16711680\n")
    (few,) = setup_checks.granted_ids((file,))
    assert few.severity is Severity.WARNING and "254 apps" in few.what
    with file.open("a") as more:
        more.write("archipelago:50000000:65536\nnonsense\n")
    assert not list(setup_checks.granted_ids((file,)))


def test_configuration_must_be_as_it_was_shipped(tmp_path: Path) -> None:
    shipped, installed = tmp_path / "shipped", tmp_path / "installed"
    shipped.mkdir()
    installed.mkdir()
    for name in ("a.conf", "policy.json"):
        (shipped / name).write_text(name)
        (installed / name).write_text(name)
    (installed / "storage.conf").write_text("ours, and made at each start")
    assert not list(setup_checks.configuration(shipped, installed))
    (installed / "a.conf").write_text("A.conf")
    (installed / "policy.json").unlink()
    changed, missing = setup_checks.configuration(shipped, installed)
    assert "a.conf differs" in changed.what and "policy.json is missing" in missing.what
    assert {changed.mend, missing.mend} == {"make setup"}


def test_a_key_that_others_can_read(tmp_path: Path) -> None:
    key = tmp_path / "node.key"
    assert not list(host_checks.key_file(key))
    key.touch(0o600)
    assert not list(host_checks.key_file(key))
    key.chmod(0o640)
    (found,) = host_checks.key_file(key)
    assert found.severity is Severity.ERROR and str(key) in found.mend


def test_a_clock_that_is_behind_what_was_written_long_ago(tmp_path: Path) -> None:
    file = tmp_path / "installed"
    file.touch()
    now = file.stat().st_mtime
    assert not list(host_checks.clock_behind(file, now - 3600)), "another time zone is no fault"
    (found,) = host_checks.clock_behind(file, 0)
    assert "1970-01-01" in found.what and "timedatectl" in found.mend


def test_certificates_that_ended_while_the_node_was_off(tmp_path: Path) -> None:
    context, begin = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), datetime.now(UTC)
    folder = TlsFolder(tmp_path / "tls")
    assert not list(host_checks.kept_certificates(folder, begin))
    Certificates(folder.path, Sealed(), "island", lambda: begin).load(context, ["island.local"], [])
    assert not list(host_checks.kept_certificates(folder, begin))
    (ended,) = host_checks.kept_certificates(folder, begin + timedelta(days=500))
    assert "node.crt ended on" in ended.what and "start the node" in ended.mend
    assert len(list(host_checks.kept_certificates(folder, begin + timedelta(days=4000)))) == 2


def test_a_disk_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path)
    layout.temporary.mkdir()
    assert not list(host_checks.disk_works(layout)) and not list(layout.temporary.iterdir())
    layout.temporary.rmdir()
    layout.temporary.symlink_to(layout.temporary)  # writing below it is an OSError, for root too
    (found,) = host_checks.disk_works(layout)
    assert found.severity is Severity.ERROR and str(tmp_path) in found.what and found.mend


def test_what_may_not_be_looked_at_hides_nothing_else(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)  # looking at what lies below it is an OSError, for root too
    config = read_config({"ARCHIPELAGO_ROOT": str(loop)}, tmp_path)
    found = examine_without_node(config, "nobody is there", "start it")
    assert (found[0].check, found[0].mend) == ("node", "start it")
    assert next(each for each in found if each.check == "key-file").severity is Severity.NOTE
    assert any(each.check == "memory" for each in found)
