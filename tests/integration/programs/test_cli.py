"""The command, as a process of its own, against a real server."""

import json
import re
import signal
import subprocess
import sys

import pytest

from archipelago import __version__
from support.cli_node import CliNode


def test_json_is_the_answer_of_the_node(node: CliNode) -> None:
    assert node.json("list", "--json")[0]["app"] == "knots"
    assert node.json("status", "knots", "--json")["chain"]["height"] == 7
    assert node.json("plan", "electrumx", "--json")["apps"][0]["because"] == ["you asked for it"]
    assert node.json("catalog", "--json")[0]["app"] == "electrumx"
    assert node.json("doctor", "--json")[0]["check"] == "cgroup"
    assert node.json("version", "--json")["node_id"] == "abc"
    assert node.json("config", "knots", "--json") == {"network": "regtest"}
    assert [each["text"] for each in node.json("logs", "knots", "-n", "1", "--json")] == ["\x1b]0;owned\x07\x1b[2Jevil"]
    operation = node.json("install", "electrumx", "--set", "a=1", "--json")
    assert (operation["kind"], operation["state"]) == ("install", "done")
    assert node.json("operations", "list", "--json") == [operation]
    assert node.json("operations", "show", operation["id"], "--json") == operation
    assert node.json("operations", "cancel", operation["id"], "--json")["state"] == "cancelled"
    assert node.json("events", "--json")[0]["revision"] == 1


def test_data_is_not_deleted_where_nobody_can_be_asked(node: CliNode) -> None:
    kept = ("knots", "2026-11-29T08-40-00.123Z")
    assert node.json("data", "list", "--json") == []
    assert "archipelago install knots" in node.run("data", "restore", *kept).stdout
    refused = node.run("data", "delete", *kept)
    assert refused.returncode == 2 and "--yes" in refused.stderr
    assert node.run("data", "delete", *kept, "--yes").returncode == 0
    assert node.type("data", "delete", *kept, answer=b"n\n")[0] == 4
    assert node.json("data", "streams", "--json")[0]["file"] == "channel.backup"
    assert "no repository" in node.run("data", "streams", "knots").stdout
    refused = node.run("data", "claim", "knots")
    assert refused.returncode == 2 and "--yes" in refused.stderr
    assert node.type("data", "claim", "knots", answer=b"y\n")[0] == 4, "only its name says that it was read"
    assert node.type("data", "claim", "knots", answer=b"knots\n")[0] == 0
    nothing = node.run("data", "start-empty", "knots", "--yes")
    assert nothing.returncode == 4 and "no volume of knots is lost" in nothing.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("start", "knots"), 0),
        (("install", "broken", "--yes"), 1),
        (("nonsense",), 2),
        (("list", "--nonsense"), 2),
        (("install",), 2),
        (("install", "electrumx", "--set", "novalue"), 2),
        (("status", "No Such"), 2),
        (("config", "knots", "--set", "nonsense=1"), 2),
        (("remove", "knots", "--delete-data"), 2),
        (("status", "zip"), 3),
        (("install", "zip"), 3),
        (("operations", "show", "nope"), 3),
        (("install", "knots", "--yes"), 4),
        (("power", "nonsense"), 2),
        (("power", "restart"), 4),
    ],
)
def test_exit_codes_and_errors(node: CliNode, arguments: tuple[str, ...], code: int) -> None:
    done = node.run(*arguments)
    assert done.returncode == code, done
    if code:
        assert "Traceback" not in done.stderr
        first, *rest = [text for text in done.stderr.splitlines() if "%" not in text]
        assert first.startswith("archipelago: ") and len(rest) <= 1
    as_json = node.run(*arguments, "--json")
    assert as_json.returncode == code
    assert isinstance(json.loads(as_json.stdout), dict)


def test_where_the_node_is_reachable_and_what_the_host_may_drop(node: CliNode) -> None:
    assert "this host only" in node.run("network", "status").stdout
    assert node.json("network", "listen", "none", "--json")["listening"] == []
    opened = node.run("access", "knots", "p2p", "--lan", "on")
    assert opened.returncode == 0 and "sudo ./archipelago doctor" in opened.stdout
    assert "archipelago network listen lan" in opened.stdout, "an open door of a node that nobody reaches is said"
    assert node.json("access", "knots", "p2p", "--lan", "off", "--json")[0]["open"] is False
    assert node.run("access", "nobody", "p2p").returncode == node.run("status", "nobody").returncode != 0
    assert node.run("access", "knots", "--lan", "perhaps").returncode == 2
    through_tor = node.run("access", "knots", "p2p", "--tor", "on")
    assert through_tor.returncode == 0 and "network tor-key knots p2p" in through_tor.stdout
    assert node.json("access", "knots", "p2p", "--tor", "public", "--json")[0]["tor"] == "public"
    assert node.run("access", "knots", "p2p", "--tor", "perhaps").returncode == 2
    assert node.run("network", "firewall").returncode == 0
    assert "network listen lan" in node.run("network", "trust").stdout
    assert node.run("network", "trust", "toaster").returncode == 2
    wrong = node.run("network", "firewall", "burn")
    assert wrong.returncode == 2 and "show, apply, remove" in wrong.stderr


def test_nobody_there(node: CliNode) -> None:
    done = node.run("list", "--json", ARCHIPELAGO_SOCKET="/nowhere", ARCHIPELAGO_PORT="1")
    assert done.returncode == 69
    assert json.loads(done.stdout)["error"]["data"]["name"] == "unreachable"
    assert "make run" in done.stderr
    assert node.run("list", ARCHIPELAGO_SOCKET="/nowhere", ARCHIPELAGO_PORT="http").returncode == 2


def test_the_doctor_needs_no_node(node: CliNode) -> None:
    nowhere = {"ARCHIPELAGO_SOCKET": "/nowhere", "ARCHIPELAGO_PORT": "1", "ARCHIPELAGO_ROOT": "/not/there/yet"}
    done = node.run("doctor", "--json", **nowhere)
    found = {each["check"]: each for each in json.loads(done.stdout)}
    assert all(set(each) == set(node.json("doctor", "--json")[0]) for each in found.values())
    down = found.pop("node")
    assert down["severity"] == "error" and "does not answer" in down["what"] and "make run" in down["mend"]
    assert found["podman-version"]["what"].startswith("not checked") and found["podman-version"]["why"]
    assert found["disk"]["severity"] in ("ok", "warning")
    broken = any(each["severity"] == "error" for each in found.values())
    assert done.returncode == (1 if broken else 69)
    shown = node.run("doctor", **nowhere)
    assert shown.returncode == done.returncode
    assert "node: the node does not answer" in shown.stdout and "make run" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_the_port_where_the_socket_may_not_be_opened(node: CliNode) -> None:
    for token in ("", "arch_forged"):
        done = node.run("list", ARCHIPELAGO_SOCKET="/nowhere", ARCHIPELAGO_TOKEN=token)
        assert (done.returncode, done.stdout) == (4, "") and "log in first" in done.stderr


def test_exec_passes_output_and_exit_code_through(node: CliNode) -> None:
    done = node.run("exec", "knots", "--", "fail", "-generate", "1", "--json")
    assert (done.returncode, done.stdout, done.stderr) == (7, "fail -generate 1 --json\n", "note\n")
    result = node.run("exec", "--json", "knots", "--", "echo", "x")
    assert result.returncode == 0 and json.loads(result.stdout)["stdout"] == "echo x\n"


def test_install_says_what_and_how_far(node: CliNode) -> None:
    done = node.run("install", "electrumx")
    assert "you asked for it" in done.stdout and "done" in done.stdout
    assert "40 %  build image" in done.stderr


def test_the_owner_may_say_no(node: CliNode) -> None:
    code, screen = node.type("install", "electrumx", answer=b"n\n")
    assert code == 4 and "Install this?" in screen
    code, screen = node.type("remove", "knots", "--delete-data", answer=b"n\n")
    assert code == 4 and "WHICH CANNOT BE UNDONE" in screen
    assert re.search(r"chain .* files .*KEYS TO MONEY", screen)
    assert node.json("events", "--json") == []


def test_what_stops_along_is_named_and_agreed_to(node: CliNode) -> None:
    done = node.run("stop", "knots")
    assert done.returncode == 2 and "electrumx" in done.stderr and "--yes" in done.stderr
    code, screen = node.type("stop", "knots", answer=b"n\n")
    assert code == 4 and "These stop as well, because they depend on it: electrumx." in screen
    assert node.json("events", "--json") == [], "nothing was changed"
    assert node.run("stop", "knots", "--yes").returncode == 0
    code, screen = node.type("stop", "knots", answer=b"y\n")
    assert code == 0 and "Stop knots?" in screen
    code, screen = node.type("restart", "knots", answer=b"")
    assert code == 0 and "Restart knots?" not in screen, "no other app is touched"
    done = node.run("config", "knots", "--set", "network=signet")
    assert done.returncode == 0 and "knots restarts." in done.stderr


def test_a_repair_says_what_it_does_before_it_is_done(node: CliNode) -> None:
    code, screen = node.type("repair", "knots", "reindex", answer=b"n\n")
    assert code == 4 and "main starts once with -reindex" in screen and "Used by: electrumx." in screen
    assert "\x1b]0;owned" not in screen
    done = node.run("repair", "knots", "reindex")
    assert done.returncode == 2 and "--yes" in done.stderr
    done = node.run("repair", "knots", "reindex", "--yes")
    assert done.returncode == 0 and "repair of knots: done" in done.stdout
    done = node.run("repair", "knots", "nonsense", "--yes")
    assert done.returncode == 4 and "it has reindex" in done.stderr
    assert "The app declares no repair." in node.run("repair", "knots").stdout


def test_what_apps_may_take_is_told(node: CliNode) -> None:
    assert node.json("resources", "--json")["cores"] == 2
    shown = node.run("resources").stdout
    assert "knots\t-\t3.0 GiB\t0.25\t4\t512" in shown and "Not enforced on this host: memory limits" in shown
    assert "tor is paused: programs waited" in shown and "\x1b" not in shown


def test_the_owner_sets_what_an_app_may_take(node: CliNode) -> None:
    shown = node.run("limits", "knots").stdout
    assert "memory\t3.0 GiB\t-\tits manifest" in shown and "pids\t512\t\tyou" in shown
    given = ("--memory", "1.5GiB", "--cpu-weight", "300", "--disk", "none", "--reset", "pids")
    assert "Not enforced on this host: memory limits" in node.run("limits", "knots", *given).stdout
    own = {key: value for key, value in node.json("limits", "knots", "--json")["own"].items() if value is not None}
    assert own == {"memory": 3 << 29, "cpu_weight": 300, "disk": 0}
    assert node.run("limits", "knots", "--reset", "memory", "--reset", "cpu-weight", "--pids", "512").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--memory", "much"), "--memory: expected a size such as 512MiB"),
        (("--reset", "colour"), "'colour' is none of memory, cpu"),
        (("--cpu-weight", "0"), "cpu-weight"),
    ],
)
def test_a_limit_that_is_none_is_refused(node: CliNode, arguments: tuple[str, ...], words: str) -> None:
    done = node.run("limits", "knots", *arguments)
    assert done.returncode == 2 and words in done.stderr


def test_what_takes_the_disk_is_told(node: CliNode) -> None:
    assert node.json("disk", "--json")["free"] == 50 << 30
    shown = node.run("disk").stdout.splitlines()
    assert shown[0] == "50.0 GiB of 100.0 GiB are free."
    assert shown[2].startswith("knots\t3.0 GiB\tat least 1.0 GiB, shared blocks included\t2026-01-02")
    assert shown[3] == "tor\t-\t-\tnot yet"
    assert "ask again" in shown[4]


def test_the_chain_of_an_app_is_told(node: CliNode) -> None:
    assert node.json("chain", "knots", "--json")["phase"] == "blocks"
    shown = node.run("chain", "knots").stdout
    for words in ("5 of 10 (50.0 %)", "1200 blocks an hour", "about 2 h", "1 in, 8 out, 2 over Tor", "3.0 GiB"):
        assert words in shown
    assert "7 transactions, 2.0 KiB" in shown and "next block 12.5, a day 1 sat/vB" in shown
    assert shown.splitlines()[-1].endswith("\t3\t25%")


def test_what_needs_the_owner_is_listed_put_aside_and_brought_back(node: CliNode) -> None:
    key = "finding:swap-0011"

    def listed(*more: str) -> str:
        return node.run("notices", "list", *more).stdout

    assert listed().splitlines()[0].split() == ["warning", "no", "swap"] and key in listed()
    for how in ("acknowledge", "mute"):
        assert node.run("notices", how, key).returncode == 0
        assert listed().startswith("nothing needs attention\n1 hidden")
        assert f"no swap ({'muted' if how == 'mute' else 'acknowledged'})" in listed("--hidden")
        assert node.run("notices", "show", key).returncode == 0
        assert "no swap" in listed() and listed("--hidden") == "nothing is hidden\n"
    assert node.run("notices", "remind", key, "--in", "week").returncode == 0
    assert "no swap (reminded)" in listed("--hidden")
    assert node.run("notices", "remind", key, "--in", "year").returncode == 2
    assert node.run("notices", "mute", "../..").returncode == 2


def test_the_owner_has_notices_sent(node: CliNode) -> None:
    assert "notify ntfy" in node.run("notify", "list").stdout
    assert node.run("notify", "ntfy", "phone", "--topic", "my-node", "--from", "error").returncode == 0
    mail = ("--host", "smtp.example.com", "--sender", "node@example.com", "--to", "me@example.com", "--user", "me")
    done = node.feed(b"a secret\n", "notify", "email", "mail", *mail, "--secret")
    assert done.returncode == 0 and b"a secret" not in done.stdout
    hook = ("--url", "https://example.com/hook", "--language", "ja")
    assert node.run("notify", "webhook", "hook", *hook).returncode == 0
    assert node.run("notify", "webhook", "hook", "--url", "https://example.com/", "--language", "xx").returncode == 2
    found = node.json("notify", "list", "--json")
    assert [(each["settings"]["name"], each["secret_set"]) for each in found] == [
        ("phone", False),
        ("mail", True),
        ("hook", False),
    ]
    assert [each["settings"]["language"] for each in found] == ["en", "en", "ja"]
    assert found[0]["settings"]["least"] == "error" and found[1]["settings"]["target"]["port"] == 465
    assert "me@example.com" in node.run("notify", "list").stdout
    for each in found:
        assert node.run("notify", "test", each["id"]).returncode == 0
        assert node.run("notify", "remove", each["id"]).returncode == 0
    assert node.json("notify", "list", "--json") == []
    for wrong in ("http://example.com/", "https://169.254.169.254/", "nonsense"):
        assert node.run("notify", "webhook", "hook", "--url", wrong).returncode != 0


def test_a_chain_that_syncs_says_how_long_it_will_take(node: CliNode) -> None:
    assert "regtest, block 7 of 14 (50.0 %), about 3 h 20 min left\n" in node.run("status", "knots").stdout


def test_a_terminal_is_not_taken_over(node: CliNode) -> None:
    for arguments in (("list",), ("status", "knots"), ("logs", "knots"), ("plan", "electrumx")):
        code, screen = node.type(*arguments, answer=b"")
        assert code == 0
        assert "\x1b]0;" not in screen and "\x1b[2J" not in screen and "\x07" not in screen
        assert "evil" in screen


def test_a_bar_at_a_terminal(node: CliNode) -> None:
    code, screen = node.type("restart", "knots", answer=b"")
    assert code == 0 and "restart knots" in screen and "100%" in screen


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_a_bar_and_its_percent_keep_their_place_whatever_a_step_says(node: CliNode, columns: int) -> None:
    code, screen = node.type("restart", "knots", answer=b"", columns=columns)
    assert code == 0
    # A busy machine may draw it more than once.
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen))
    drawn = [each for each in lines if "40%" in each]
    assert drawn
    for shown in drawn:
        assert shown.startswith("restart") and "━" * 3 in shown and "build" in shown, shown
        assert len(shown.rstrip()) <= columns and ("…" in shown) == (columns < 200)


def test_events_are_the_newest_ones_in_their_order(node: CliNode) -> None:
    for _ in range(4):
        node.run("restart", "knots", "--no-wait")
    assert [each["revision"] for each in node.json("events", "--limit", "2", "--json")] == [3, 4]
    assert [each["revision"] for each in node.json("events", "--since", "1", "--limit", "2", "--json")] == [3, 4]
    assert [each["revision"] for each in node.json("events", "--since", "3", "--json")] == [4]


def test_a_wrong_parameter_is_told_as_it_is_typed(node: CliNode) -> None:
    for arguments, said in (
        (("token", "create", "n", "--may", "operat"), "--may: expected one of login, discover, read"),
        (("status", "No Such"), "APP: expected lower case letters, digits and single hyphens"),
        (("user", "add", "Eve!", "--stdin"), "USER: expected lower case letters, digits and hyphens"),
        (("config", "knots", "--set", "Net Work=1"), "--set Net Work: expected lower case letters"),
    ):
        done = node.feed(b"correct horse battery\n", *arguments)
        text = done.stderr.decode()
        assert done.returncode == 2 and text.startswith(f"archipelago: {said}"), text
        assert "^" not in text and "Input should" not in text and "permissions" not in text


def test_a_token_may_do_what_is_listed_with_spaces_or_commas(node: CliNode) -> None:
    for words in (("read", "operate"), ("read,operate",), ("read", "--may", "operate"), ("read, operate",)):
        made = node.json("token", "create", f"name {len(words)} {words[0]}", "--may", *words, "--json")
        shown = node.run("list", "--json", ARCHIPELAGO_TOKEN=made["secret"])
        assert shown.returncode == 0, shown.stderr
    listed = node.json("token", "list", "--json")
    assert len(listed) == 4 and all(set(each["permissions"]) == {"read", "operate"} for each in listed)


def test_help_and_version_as_people_ask_for_them(node: CliNode) -> None:
    nowhere = {"ARCHIPELAGO_SOCKET": "/nowhere", "ARCHIPELAGO_PORT": "1"}
    shown = node.run("--version", **nowhere)
    assert (shown.returncode, shown.stdout) == (0, f"archipelago {__version__}\n")
    for asked, same in (
        (("-h",), ("--help",)),
        (("help",), ("--help",)),
        (("install", "-h"), ("install", "--help")),
        (("help", "install"), ("install", "--help")),
        (("help", "token", "create"), ("token", "create", "--help")),
    ):
        done = node.run(*asked, **nowhere)
        assert (done.returncode, done.stdout) == (0, node.run(*same, **nowhere).stdout) and "Usage:" in done.stdout
    assert node.run("help", "nonsense").returncode == 2


def test_logs_that_are_followed_end_with_the_log(node: CliNode) -> None:
    done = node.run("logs", "knots", "-f", "--json")
    assert json.loads(done.stdout.splitlines()[0])["text"] == "first"
    assert node.run("logs", "zip", "-f").returncode == 3


def test_interrupted(node: CliNode) -> None:
    command = [sys.executable, "-m", "archipelago.cli", "events", "--follow", "--json"]
    node.run("restart", "knots")
    with subprocess.Popen(command, env=node.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert b"Traceback" not in process.stderr.read()


def test_help_names_every_command(node: CliNode) -> None:
    done = node.run("--help")
    assert done.returncode == 0
    commands = "install plan list status logs start stop restart remove update config exec catalog operations doctor"
    for command in (*commands.split(), "events", "version"):
        assert f"\n  {command} " in done.stdout
