"""The commands that look into snapshots and that schedule them."""

from support.cli_node import CliNode

NAME = "2026-11-29T08-40-00.000Z"


def test_a_folder_is_listed_to_its_end_with_hostile_names_as_text(node: CliNode) -> None:
    shown = node.run("snapshot", "look", "knots", NAME, "volumes/data").stdout
    assert "photo.jpg" in shown and "evil\\x1b[31m" in shown, "both pages"
    assert "\x1b" not in shown
    found = node.json("snapshot", "look", "knots", NAME, "--json")
    assert [each["size"] for each in found["entries"]] == [10, 10] and not found["more"]


def test_a_file_comes_in_pieces_and_never_onto_a_terminal(node: CliNode) -> None:
    assert node.run("snapshot", "cat", "knots", NAME, "volumes/data/photo.jpg").stdout == "0123456789"
    _, screen = node.type("snapshot", "cat", "knots", NAME, "volumes/data/photo.jpg", answer=b"")
    assert "0123456789" not in screen and "take over the terminal" in screen


def test_a_folder_is_restored_where_the_owner_says(node: CliNode) -> None:
    done = node.run("snapshot", "extract", "knots", NAME, "volumes/data", "/tmp/out")
    assert "/tmp/out" in done.stdout and "2 of its entries are left out" in done.stderr


def test_a_copy_runs_for_a_trial(node: CliNode) -> None:
    assert (
        "snapshot-look of knots: done" in node.run("snapshot", "look", "knots", NAME, "--run", "--minutes", "5").stdout
    )
    assert "--minutes is for --run" in node.run("snapshot", "look", "knots", NAME, "--minutes", "5").stderr


def test_schedules_are_shown_with_what_is_in_the_way(node: CliNode) -> None:
    shown = node.run("snapshot", "schedule").stdout
    assert "(the node)" in shown and "daily" in shown and "7 days" in shown and "why" in shown
    assert "\x1b" not in shown
    assert "(the node)" not in node.run("snapshot", "schedule", "knots").stdout


def test_a_schedule_is_changed_for_an_app_or_for_the_node(node: CliNode) -> None:
    done = node.run("snapshot", "schedule", "knots", "--every", "hourly", "--keep-hourly", "3")
    assert done.returncode == 0 and "slow" in done.stderr, "what it costs is said"
    assert node.run("snapshot", "schedule", "--node", "--every", "weekly").returncode == 0
    assert node.run("snapshot", "schedule", "knots", "--every", "node").returncode == 0
    for words in (["--every", "daily"], ["knots", "--node", "--every", "daily"], ["knots", "--every", "sometimes"]):
        assert "nothing was changed" in node.run("snapshot", "schedule", *words).stderr
