"""The audit log of a real node: what its owner does is on record, and what somebody does to the log shows."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.harness import TestNode, remove_leftovers, running_node
from support.tiny_apps import write_app

pytestmark = pytest.mark.timeout(300)

PASSWORD = "correct horse battery staple"


async def archipelago(node: TestNode, *arguments: str) -> tuple[int, str]:
    """Run the command; return exit code and output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "archipelago.cli", *arguments),
        env=node.full_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_what_an_owner_does_is_on_record_and_a_changed_byte_is_found(tmp_path: Path) -> None:
    remove_leftovers()
    write_app(tmp_path, "tiny", more="options: {word: {type: string, label: Word, default: none}}")
    async with running_node("audit", apps=tmp_path) as node:
        await node.install("tiny", options={"word": PASSWORD})
        await node.execute("tiny", "busybox", "echo", PASSWORD)
        assert (await archipelago(node, "start", "nothing"))[0] == 3
        node.kill()  # what was begun is on the disk
        await node.start()
        code, text = await archipelago(node, "audit", "show", "--json")
        assert code == 0
        told = [(one["who"], one["action"], one["subject"].get("app", ""), one["outcome"]) for one in json.loads(text)]
        assert told == [
            ("node", "node-start", "", "done"),
            ("owner", "container-install", "tiny", "begun"),
            ("owner", "container-install", "tiny", "done"),
            ("owner", "container-exec", "tiny", "begun"),
            ("owner", "container-exec", "tiny", "done"),
            ("owner", "container-start", "nothing", "begun"),
            ("owner", "container-start", "nothing", "refused"),
            ("node", "node-start", "", "done"),
        ]
        assert PASSWORD not in text
        assert "uid" in json.loads(text)[1]["origin"]
        assert (await archipelago(node, "audit", "verify"))[0] == 0
        copy = tmp_path / "copy.jsonl"
        assert (await archipelago(node, "audit", "export", str(copy)))[0] == 0
        (path,) = (node.root / "logs" / "audit").glob("*.jsonl")
        assert copy.read_bytes() == path.read_bytes()
        code, said = await archipelago(node, "audit", "export", str(copy))
        assert code == 1 and "exists" in said, "what is there is not overwritten"

        content = path.read_bytes()
        path.write_bytes(content.replace(b'"app":"tiny"', b'"app":"tidy"', 1))
        code, said = await archipelago(node, "audit", "verify")
        assert code == 1
        assert "line 2, entry 2: it was changed" in said
        path.write_bytes(b"".join(content.splitlines(keepends=True)[:-1]))
        code, said = await archipelago(node, "audit", "verify", "--json")
        assert code == 1
        assert json.loads(said)["faults"][0]["what"].startswith("the log ends with entry 7, but entry 8")
