"""The doctor's checks in this process: when no node can be asked, and what only root can see."""

import json
import os
import subprocess
from typing import Any

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError

_FIREWALL = "firewall"
_NFT_TIMEOUT = 30


def examine_here(silence: CommandError) -> list[dict[str, Any]]:
    """Return what the RPC's `doctor` would, as far as this user can see without a node that answers."""
    # Imported here: every other command starts faster without it.
    from archipelago.config import system_config
    from archipelago.performance.doctor import examine_without_node

    found = examine_without_node(system_config(), silence.message, silence.hint)
    return [finding.model_dump(mode="json") for finding in found]


def with_firewall(found: list[dict[str, Any]], client: Client) -> list[dict[str, Any]]:
    """Return the node's findings with those about the host's firewall, which root alone can read."""
    if os.geteuid() != 0 or not any(each["check"] == _FIREWALL for each in found):
        return found
    from archipelago.network.host_firewall import ways_of
    from archipelago.performance.checks.firewall import firewall
    from archipelago.performance.doctor import worst_first

    rules = client.call("network-firewall", ssh_port=None)["rules"]
    try:
        listed = subprocess.run(
            ["nft", "-j", "list", "ruleset"], capture_output=True, text=True, timeout=_NFT_TIMEOUT, check=True
        )
        read = worst_first(firewall(json.loads(listed.stdout), ways_of(rules)))
    except (OSError, subprocess.SubprocessError, ValueError):
        return found
    others = [each for each in found if each["check"] != _FIREWALL]
    return [*(finding.model_dump(mode="json") for finding in read), *others]
