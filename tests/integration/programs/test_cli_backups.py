"""The commands about backups: what they show, and what they refuse where nobody can be asked."""

from pathlib import Path

from support.cli_node import CliNode


def test_targets_show_what_was_proved(node: CliNode) -> None:
    shown = node.run("backup", "targets").stdout
    assert "/media/usb" in shown and "overdue" in shown and "not yet (the last trial failed)" in shown
    assert "\x1b" not in shown


def test_a_target_is_of_one_kind(node: CliNode) -> None:
    assert "one of --folder" in node.run("backup", "add", "usb").stderr
    assert "one of --folder" in node.run("backup", "add", "usb", "--folder", "/x/y", "--s3", "https://x/y").stderr
    assert "recovery words" in node.run("backup", "add", "usb", "--folder", "/media/usb").stdout


def test_the_only_target_needs_no_name(node: CliNode) -> None:
    assert "backup of knots: done" in node.run("backup", "now", "knots").stdout
    assert "backup-all: done" in node.run("backup", "now").stdout
    assert "backup-drill-all: done" in node.run("backup", "drill", "--target", "usb").stdout
    assert "needs the app" in node.run("backup", "drill", "--backup", "01234567").stderr
    assert "0123456789abcdef" in node.run("backup", "list").stdout
    assert "backup-drill of knots: done" in node.run("backup", "drill", "knots").stdout
    assert "whole" in node.run("backup", "check", "usb").stdout
    assert "still there" in node.run("backup", "remove", "usb").stdout


def test_a_restore_needs_a_yes(node: CliNode) -> None:
    assert "--yes" in node.run("backup", "restore", "knots").stderr
    assert "backup-restore of knots: done" in node.run("backup", "restore", "knots", "--yes").stdout
    assert "--yes" in node.run("backup", "restore-all").stderr
    assert "backup-restore-all: done" in node.run("backup", "restore-all", "--yes").stdout
    assert node.json("backup", "restore-all", "--yes", "--json")["kind"] == "backup-restore-all"
    code, screen = node.type("backup", "restore-all", answer=b"n\n")
    assert code != 0 and "Install from their backups: gone" in screen and "knots" not in screen
    assert "/tmp/out" in node.run("backup", "extract", "knots", "volumes/data/x", "/tmp/out").stdout


def test_a_node_comes_back_by_one_command(node: CliNode) -> None:
    words = ("backup", "restore-node", "--folder", "/media/usb")
    assert b"backup-restore-all: done" in node.feed(b"abandon\n" * 23 + b"art\n", *words).stdout
    assert b"one of --folder" in node.feed(b"abandon\n" * 23 + b"art\n", "backup", "restore-node").stderr


def test_the_host_key_of_a_machine_is_agreed_to(node: CliNode) -> None:
    words = ("backup", "add", "nas", "--sftp", "me@nas.local:backups")
    assert "--fingerprint" in node.run(*words).stderr, "nobody can be asked"
    assert "another one" in node.run(*words, "--fingerprint", "SHA256:other").stderr
    assert "nas is added" in node.run(*words, "--fingerprint", "SHA256:abc").stdout
    code, screen = node.type(*words, answer=b"y\ny\n")
    assert code == 0 and "SHA256:abc" in screen and "restrict ssh-ed25519 AAAA" in screen
    code, screen = node.type(*words, answer=b"n\n")
    assert code != 0 and "nothing was changed" in screen
    assert "USER@HOST:PATH" in node.run("backup", "add", "nas", "--sftp", "nas.local").stderr
    assert "restrict ssh-ed25519" in node.run("backup", "ssh-key").stdout


def test_the_configuration_of_rclone_comes_from_a_file_or_a_pipe(node: CliNode, tmp_path: Path) -> None:
    words = ("backup", "add", "box", "--rclone", "box:node")
    (tmp_path / "config").write_text("[box]\ntype = webdav\n")
    assert "box is added" in node.run(*words, "--rclone-config", str(tmp_path / "config")).stdout
    assert "cannot be read" in node.run(*words, "--rclone-config", str(tmp_path / "none")).stderr
    assert b"box is added" in node.feed(b"[box]\ntype = webdav\n", *words).stdout


def test_passwords_of_a_repository(node: CliNode) -> None:
    assert "0123abcd" in node.run("backup", "password-list").stdout
    assert b"opens the repository" in node.feed(b"correct horse battery\n", "backup", "password-add", "--stdin").stdout
    assert "does not open" in node.run("backup", "password-remove", "0123abcd").stdout


def test_the_recovery_kit_is_a_file_of_its_owner_alone(node: CliNode, tmp_path: Path) -> None:
    page, text = tmp_path / "kit.html", tmp_path / "kit.txt"
    assert "only you can read" in node.run("backup", "kit", str(page)).stdout
    assert page.stat().st_mode & 0o777 == 0o600
    shown = page.read_text()
    assert "https://example.com/&lt;b&gt;" in shown and "<b>" not in shown and "\x1b" not in shown
    assert "--user me --secret" in shown and "They are not on this page" in shown and "f" * 64 not in shown
    assert "delete the file" in node.run("backup", "kit", str(text), "--secrets").stderr
    assert "f" * 64 in text.read_text() and " 1 " in text.read_text()
    assert "cannot be written" in node.run("backup", "kit", str(text)).stderr, "it replaces nothing"
