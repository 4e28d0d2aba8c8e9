"""The doctor's checks in this process, for when no node can be asked."""

from typing import Any

from archipelago.cli.errors import CommandError


def examine_here(silence: CommandError) -> list[dict[str, Any]]:
    """Return what the RPC's `doctor` would, as far as this user can see without a node that answers."""
    # Imported here: every other command starts faster without it.
    from archipelago.config import system_config
    from archipelago.performance.doctor import examine_without_node

    found = examine_without_node(system_config(), silence.message, silence.hint)
    return [finding.model_dump(mode="json") for finding in found]
