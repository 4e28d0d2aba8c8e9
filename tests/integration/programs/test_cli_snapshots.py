"""The commands about snapshots: what they say before they do it, and what they refuse where nobody can be asked."""

from support.cli_node import CliNode

NAME = "2026-11-29T08-40-00.000Z"


def test_snapshots_are_listed_with_the_reason_for_each(node: CliNode) -> None:
    assert node.json("snapshot", "list", "knots", "--json")[0]["kind"] == "before-update"
    shown = node.run("snapshot", "list", "knots").stdout
    assert NAME in shown and "1.0 TiB" in shown and "before an update; 'update --undo' goes back to it" in shown


def test_a_copy_says_what_it_costs_and_asks(node: CliNode) -> None:
    code, screen = node.type("snapshot", "take", "knots", answer=b"n\n")
    assert code == 4 and "slow" in screen and "\x1b]0;owned" not in screen
    assert "snapshot of knots: done" in node.run("snapshot", "take", "knots").stdout


def test_going_back_says_what_is_lost_and_needs_a_yes(node: CliNode) -> None:
    for command in (("snapshot", "restore", "knots", NAME), ("update", "knots", "--undo")):
        code, screen = node.type(*command, answer=b"n\n")
        assert code == 4 and "2 -> 1" in screen and "what it wrote" in screen
        done = node.run(*command)
        assert done.returncode == 2 and "--yes" in done.stderr
        done = node.run(*command, "--yes")
        assert done.returncode == 0 and "restore of knots: done" in done.stdout, done.stderr
    assert "exclude each other" in node.run("update", "knots", "--undo", "--downgrade").stderr
    assert "was restored" in node.run("snapshot", "undo-restore", "knots", "--yes").stderr
    assert "no snapshot" in node.run("snapshot", "restore", "knots", "1", "--yes").stderr


def test_a_snapshot_is_deleted_by_a_yes_alone(node: CliNode) -> None:
    code, screen = node.type("snapshot", "delete", "knots", NAME, answer=b"n\n")
    assert code == 4 and "forever" in screen
    assert node.run("snapshot", "delete", "knots", NAME).returncode == 2
    assert node.run("snapshot", "delete", "knots", NAME, "--yes").returncode == 0


def test_the_hours_of_updates(node: CliNode) -> None:
    assert "between 4:00 and 7:00; here it is" in node.run("update-hours").stdout
    assert "between 23:00 and 3:00" in node.run("update-hours", "23-3").stdout
    assert node.json("update-hours", "0-23", "--json")["to_hour"] == 23
    for wrong in ("5", "5-24", "a-b", "5-6-7", "-1-5", "5-6h"):
        assert "are no hours" in node.run("update-hours", "--", wrong).stderr, wrong
