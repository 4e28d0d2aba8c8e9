"""Examines the host: for each finding what is wrong, why it matters, and the command that fixes it. Blocking."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from archipelago.api.local_network import Outlook
from archipelago.api.system import Finding, Severity
from archipelago.config import NodeConfig
from archipelago.container.podman_client.models import PodmanInfo
from archipelago.performance.checks import host as host_checks
from archipelago.performance.checks import names as name_checks
from archipelago.performance.checks import network as network_checks
from archipelago.performance.checks import podman as podman_checks
from archipelago.performance.checks import setup as setup_checks
from archipelago.storage.tls_folder import TlsFolder
from archipelago.support.texts.text import msg

_ASK_THE_NODE = msg("start the node, then run 'archipelago doctor' again")
_NEED_PODMAN = {
    "podman-version": msg("whether Podman is new enough"),
    "rootless": msg("whether containers run without root's rights"),
    "enforcement": msg("which limits and protections this host enforces"),
    "storage-driver": msg("how images are stored"),
}

_Check = Callable[[], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Doctor:
    """The examination by a node that runs."""

    config: NodeConfig
    podman: PodmanInfo
    not_enforced: tuple[str, ...]

    def examine(self, network: Outlook) -> tuple[Finding, ...]:
        """Run all checks, worst findings first; `network` is what has come of the owner's decision about it."""
        root = self.config.root
        return _examine(
            {
                "podman-version": partial(podman_checks.version, self.podman),
                "rootless": partial(podman_checks.rootless, self.podman),
                "enforcement": partial(podman_checks.enforcement, self.not_enforced),
                "storage-driver": partial(podman_checks.storage_driver, self.podman),
                "subordinate-ids": partial(podman_checks.subordinate_ids, self.podman),
                "configuration": setup_checks.configuration,
                "disk": partial(host_checks.disk, root),
                "disk-works": partial(host_checks.disk_works, self.config.layout),
                "memory": host_checks.memory,
                "clock": host_checks.clock,
                "clock-behind": partial(host_checks.clock_behind, Path(__file__), time.time()),
                "tun": host_checks.tun,
                "key-file": partial(host_checks.key_file, self.config.layout.node_key),
                "file-modes": partial(host_checks.file_modes, self.config.layout),
                "left-data": partial(host_checks.left_data, self.config.layout),
                "local-network": partial(network_checks.local_network, network),
                "names": partial(name_checks.names_and_certificates, network, datetime.now(UTC)),
            }
        )


def examine_without_node(config: NodeConfig, silence: str, mend: str) -> tuple[Finding, ...]:
    """Run the checks that need no node, by whichever user; `silence` says in what way the node does not answer.

    What only Podman knows is noted as not checked. The worst findings come first, that about the node before all.
    """
    down = Finding(
        check="node",
        severity=Severity.ERROR,
        what=msg("the node does not answer: {silence}", silence=silence),
        why=msg("apps that still run are watched by nobody, and nothing can be changed"),
        mend=mend,
    )
    unasked = (
        not_checked(check, what, msg("only Podman knows, and it is asked through the node"), _ASK_THE_NODE)
        for check, what in _NEED_PODMAN.items()
    )
    # The node has device nodes of its own: those that this process sees say nothing.
    tun = not_checked("tun", msg("whether networks can be made"), msg("the node has a /dev of its own"), _ASK_THE_NODE)
    found = _examine(
        {
            "podman": setup_checks.programs,
            "service-user": setup_checks.service_user,
            "subordinate-ids": setup_checks.granted_ids,
            "configuration": setup_checks.configuration,
            "disk": partial(host_checks.disk, config.root),
            "memory": host_checks.memory,
            "clock": host_checks.clock,
            "clock-behind": partial(host_checks.clock_behind, Path(__file__), time.time()),
            "certificates": partial(host_checks.kept_certificates, TlsFolder(config.layout.tls), datetime.now(UTC)),
            "key-file": partial(host_checks.key_file, config.layout.node_key),
            "file-modes": partial(host_checks.file_modes, config.layout),
            "left-data": partial(host_checks.left_data, config.layout),
        }
    )
    return worst_first((down, *found, *unasked, tun))


def _examine(checks: Mapping[str, _Check]) -> tuple[Finding, ...]:
    return worst_first(found for name, check in checks.items() for found in _run(name, check))


def _run(name: str, check: _Check) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:
        # One thing that may not be looked at, or is like nothing that was ever seen, must not hide all others.
        yield not_checked(
            name, str(error), msg("this user may not look, or the host is unusual"), "sudo ./archipelago doctor"
        )


def not_checked(check: str, what: str, why: str, mend: str) -> Finding:
    """Return what is found of something that could not be looked at."""
    return Finding(check=check, severity=Severity.NOTE, what=msg("not checked: {what}", what=what), why=why, mend=mend)


def worst_first(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in order of their severity."""
    return tuple(sorted(found, key=lambda finding: -finding.severity.rank))
