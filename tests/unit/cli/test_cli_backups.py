"""The commands about backups: what they show, and what they refuse where nobody can be asked."""

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
    assert "0123456789abcdef" in node.run("backup", "list").stdout
    assert "backup-drill of knots: done" in node.run("backup", "drill", "knots").stdout
    assert "whole" in node.run("backup", "check", "usb").stdout
    assert "still there" in node.run("backup", "remove", "usb").stdout


def test_a_restore_needs_a_yes(node: CliNode) -> None:
    assert "--yes" in node.run("backup", "restore", "knots").stderr
    assert "backup-restore of knots: done" in node.run("backup", "restore", "knots", "--yes").stdout
    assert "is installed" in node.run("backup", "restore-all", "--yes").stdout
    assert "/tmp/out" in node.run("backup", "extract", "knots", "volumes/data/x", "/tmp/out").stdout
