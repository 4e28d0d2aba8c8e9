"""How restic reaches targets, and the keys and passwords that the words bring back."""

import hmac
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic
from pydantic import TypeAdapter, ValidationError

from archipelago.api.backups import BackupTarget, RcloneTarget, RestTarget, S3Target, SftpTarget
from archipelago.backups.password import repository_password, ssh_seed
from archipelago.backups.restic.access import access, place, secrets_of
from archipelago.backups.restic.ssh import fingerprint, private_key, public_key
from archipelago.errors import NodeError
from archipelago.security.keys.node_key import NodeKey

SEED = "01" * 32
HOST_KEY = " ".join(public_key("02" * 32).split()[1:3])
RCLONE = RcloneTarget(kind="rclone", remote="box", path="node")
CONFIG = "[box]\ntype = webdav\nurl = https://example.com\nuser = me\npass = hidden1\n"
TARGET: TypeAdapter[BackupTarget] = TypeAdapter(BackupTarget)


def sftp(**changes: object) -> SftpTarget:
    given = {"kind": "sftp", "host": "nas.local", "user": "me", "path": "backups", "host_key": HOST_KEY, **changes}
    return SftpTarget.model_validate(given)


def test_secrets_are_in_no_text_of_a_target() -> None:
    rest = access(RestTarget(kind="rest", url="https://example.com/x", user="me"), "hush/hush")
    assert rest.repository == "rest:https://me:hush%2Fhush@example.com/x"
    s3 = access(S3Target(kind="s3", url="https://example.com/bucket", access_key="key"), "hush")
    ssh, rclone = access(sftp(), "", private_key(SEED)), access(RCLONE, CONFIG)
    text = f"{rest!r}{s3!r}{ssh!r}{rclone!r}{ssh.options}"
    assert not any(secret in text for secret in ("hush", "PRIVATE", "hidden1"))


def test_the_words_bring_the_password_and_the_key_for_ssh_back(tmp_path: Path) -> None:
    first = NodeKey(tmp_path / "a/node.key", lambda _: None)
    words, password = first.phrase(None), repository_password(first)
    second = NodeKey(tmp_path / "b/node.key", lambda _: None)
    second.restore(words)
    assert repository_password(second) == password
    assert public_key(ssh_seed(second)) == public_key(ssh_seed(first))
    assert len({second.derive("something else"), password, ssh_seed(first)}) == 3
    # As docs/backups.md says, for whoever has the words and restic alone.
    entropy = bytes(Mnemonic("english").to_entropy(words))
    assert hmac.digest(entropy, b"archipelago backups 1\x01", "sha256").hex() == password


def test_openssh_reads_the_key_and_knows_the_fingerprint(tmp_path: Path) -> None:
    private = tmp_path / "key"
    private.write_text(private_key(SEED))
    private.chmod(0o600)

    def keygen(*words: str) -> str:
        return subprocess.run(["ssh-keygen", *words], check=True, capture_output=True, text=True).stdout

    line = public_key(SEED)
    assert line.startswith("restrict ssh-ed25519 ")
    assert keygen("-y", "-f", str(private)).split()[1] == line.split()[2]
    (tmp_path / "key.pub").write_text(line.removeprefix("restrict "))
    assert keygen("-lf", str(tmp_path / "key.pub")).split()[1] == fingerprint(line.removeprefix("restrict "))


def test_ssh_knows_nothing_but_what_it_is_told() -> None:
    told = access(sftp(port=2222, host="[2001:db8::1]"), "", private_key(SEED))
    _, option = told.options
    words = shlex.split(option.removeprefix("sftp.command="))
    assert words[:3] == ["ssh", "-F", "none"] and words[-4:] == ["-s", "--", "2001:db8::1", "sftp"]
    assert {"StrictHostKeyChecking=yes", "IdentityAgent=none", "IdentitiesOnly=yes", "BatchMode=yes"} < set(words)
    assert told.files["known-hosts"] == f"target {HOST_KEY}\n"
    assert told.repository == "sftp:target:backups"
    assert place(sftp()) == "sftp://me@nas.local:22/~/backups"


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "-oProxyCommand=x"},
        {"host": "a b"},
        {"user": "-l"},
        {"user": "a b"},
        {"path": "~/x"},
        {"path": ""},
        {"host_key": "ssh-ed25519"},
        {"host_key": f"{HOST_KEY}\nother ssh-ed25519 {'A' * 68}"},
        {"port": 0},
    ],
)
def test_nothing_of_a_target_is_another_word_for_ssh(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        sftp(**changes)


def test_rclone_has_its_configuration_in_no_file() -> None:
    found = access(RCLONE, CONFIG)
    assert found.repository == "rclone:box:node"
    assert found.environment["RCLONE_CONFIG"] == "/notfound"
    assert found.environment["RCLONE_CONFIG_BOX_PASS"] == "hidden1"
    assert secrets_of(RCLONE, CONFIG) == ("hidden1",)


@pytest.mark.parametrize(
    "config",
    [
        "",
        "no configuration",
        "RCLONE_ENCRYPT_V0:\nabc",
        "[other]\ntype = webdav\n",
        f"{CONFIG}bearer_token_command = sh -c id\n",
        "[box]\ntype = sftp\nssh = sh -c id\n",
        f"{CONFIG}override.password_command = id\n",
        f"{CONFIG}[a b]\ntype = alias\n",
        "[box]\ntype = alias\nremote = :webdav,url='http://127.0.0.1/',bearer_token_command='touch /tmp/x':\n",
        f"{CONFIG}[x]\ntype = union\nupstreams = box:a :sftp,ssh='touch /tmp/x':\n",
        f"{CONFIG}[x]\ntype = union\nupstreams = box:a\n  :sftp,ssh=x:\n",
        f"{CONFIG}[x]\ntype = combine\nupstreams = a=box:a b=:sftp,ssh=x:\n",
        f'{CONFIG}[x]\ntype = combine\nupstreams = "a=:sftp,ssh=x:"\n',
        f"{CONFIG}[x]\ntype = crypt\nremote = box,bearer_token_command='touch /tmp/x':\n",
        f"{CONFIG}[x]\ntype = crypt\nremote = other:\n",
        "[box]\ntype = alias\nremote = /etc\n",
        "[box]\ntype = alias\nremote =\n",
        "[box]\ntype = local\n",
        f"{CONFIG}y_type = alias\ny_remote = :sftp,ssh=x:\n",
        f"{CONFIG}y_type = local\n",
    ],
)
def test_rclone_gets_nothing_that_would_run_a_program(config: str) -> None:
    with pytest.raises(NodeError) as refused:
        access(RCLONE, config)
    assert refused.value.hint


@pytest.mark.parametrize(
    "more",
    [
        "type = alias\nremote = box:a folder/b",
        "type = crypt\nremote = Box:",
        "type = union\nupstreams = box:a box:b:ro box:c/d:writeback",
        "type = combine\nupstreams = one=box:a two=box:",
    ],
)
def test_remotes_of_rclone_may_lead_to_others_of_the_same_configuration(more: str) -> None:
    access(RcloneTarget(kind="rclone", remote="over"), f"{CONFIG}[over]\n{more}\n")


@given(
    st.text(max_size=200)
    | st.dictionaries(st.text(max_size=20), st.text(max_size=20)).map(
        lambda found: "[box]\n" + "\n".join(f"{name} = {value}" for name, value in found.items())
    )
)
def test_whatever_is_pasted_becomes_variables_of_rclone_or_a_refusal(config: str) -> None:
    try:
        found = access(RCLONE, config).environment
    except NodeError:
        return
    assert all(name.startswith("RCLONE_CONFIG") and "COMMAND" not in name for name in found)
    assert not any("\0" in value for value in found.values())
