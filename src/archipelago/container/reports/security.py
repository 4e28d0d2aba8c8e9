"""Says how each installed app is held, from what the kernel says of its containers."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from archipelago.api.security import AppSecurity, ContainerProfiles, Enforcement, ImageOrigin, Peer
from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.container.dependency_resolver.rating import rate
from archipelago.container.desired.state import DesiredApp
from archipelago.container.images.inventory import ImageInventory
from archipelago.container.networks.firewall import Firewall
from archipelago.container.podman_client.models import ContainerSummary
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reconciler.seen import is_running
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.container_policies.apparmor import apparmor_name, apparmor_profile
from archipelago.security.container_policies.seccomp import seccomp_json
from archipelago.security.container_policies.selinux import selinux_module, selinux_name
from archipelago.security.image_verifier.policy import UNSIGNED
from archipelago.security.image_verifier.signature import BadSignature
from archipelago.security.image_verifier.signers import signer_of
from archipelago.support.process_status import ProcessStatus, read_process
from archipelago.support.texts.text import msg

_BUILT_HERE = "this node"
_NOT_RUNNING = msg("asked for; it does not run now")


class SecurityReporter:
    """Reads, and changes nothing."""

    def __init__(
        self, reconciler: Reconciler, firewall: Firewall, inventory: ImageInventory, cgroup: ControlGroup
    ) -> None:
        self._reconciler = reconciler
        self._firewall = firewall
        self._inventory = inventory
        self._cgroup = cgroup

    async def report(self) -> tuple[AppSecurity, ...]:
        """Return how each installed app is held."""
        seen = await self._reconciler.observer.look()
        apps = self._reconciler.desired.apps
        return tuple([await self._app(apps[app], seen.of(app)) for app in sorted(apps)])

    def profiles(self, app: str) -> tuple[ContainerProfiles, ...]:
        """Return the profiles of an app's containers. Raises `NodeError`."""
        found = self._reconciler.desired.apps.get(app)
        if found is None:
            raise NodeError(
                ErrorCode.NOT_INSTALLED,
                msg("{app} is not installed", app=app),
                hint=msg("'archipelago list' shows what is"),
            )
        manifest = found.record.package.manifest
        return tuple(
            ContainerProfiles(
                container=name,
                apparmor_name=apparmor_name(app, name),
                apparmor=apparmor_profile(manifest, name),
                selinux_name=selinux_name(app, name),
                selinux=selinux_module(manifest, name),
                seccomp=seccomp_json(container),
            )
            for name, container in manifest.containers.items()
        )

    async def _app(self, found: DesiredApp, seen: Mapping[str, ContainerSummary]) -> AppSecurity:
        app, manifest = found.record.app, found.record.manifest
        desired = self._reconciler.desired
        lines: list[Enforcement] = []
        for wanted in found.workload.containers:
            there = seen.get(wanted.name)
            running = there if there is not None and is_running(there) else None
            process = await asyncio.to_thread(read_process, Path("/proc"), running.pid) if running else None
            lines += self._enforcement(wanted, process)
        return AppSecurity(
            app=app,
            rating=rate(manifest),
            enforcement=tuple(lines),
            egress=manifest.egress,
            reaches=tuple(
                Peer(app=edge.provider, interface=edge.interface, port=self._port(edge.provider, edge.interface))
                for edge in desired.providers(app)
            ),
            reached_by=tuple(
                Peer(app=edge.consumer, interface=edge.interface, port=self._port(app, edge.interface))
                for edge in desired.dependents(app)
            ),
            published=tuple(
                f"{port.host_ip}:{port.host_port}" for wanted in found.workload.containers for port in wanted.spec.ports
            ),
            images=tuple([await self._origin(found, wanted) for wanted in found.workload.containers]),
        )

    def _port(self, app: str, interface: str) -> int:
        return self._reconciler.desired.apps[app].record.package.manifest.provides[interface].port

    async def _origin(self, found: DesiredApp, wanted: ContainerWorkload) -> ImageOrigin:
        package = found.record.package
        container = package.manifest.containers[wanted.container]
        signer = UNSIGNED if container.image is not None else _BUILT_HERE
        if (claimed := signer_of(package, container)) is not None:
            with contextlib.suppress(BadSignature):
                signer = claimed.name
        return ImageOrigin(
            container=wanted.container,
            image=wanted.spec.image,
            signer=signer,
            packages=await self._inventory.count(found.record.app, wanted.container),
        )

    def _enforcement(self, wanted: ContainerWorkload, process: ProcessStatus | None) -> Iterator[Enforcement]:
        def line(what: str, enforced: bool, detail: str) -> Enforcement:
            return Enforcement(container=wanted.container, what=what, enforced=enforced, detail=detail)

        allowed = ", ".join(wanted.spec.cap_add) or "none"
        if process is None:
            for what in ("user namespace", "capabilities", "no new privileges", "system call filter"):
                yield line(what, True, _NOT_RUNNING)
        else:
            yield line(
                msg("user namespace"),
                process.uid_base != 0,
                msg("its root is user {uid_base} of the host", uid_base=process.uid_base),
            )
            held = process.capabilities_beyond(wanted.spec.cap_add)
            yield line("capabilities", not held, f"allowed: {allowed}" + (f"; it also has {held}" if held else ""))
            yield line(msg("no new privileges"), process.no_new_privileges, "")
            yield line(msg("system call filter"), process.seccomp_filter, msg("a profile of its own"))
        yield line(
            msg("read-only programs"),
            wanted.spec.read_only_filesystem,
            "" if wanted.spec.read_only_filesystem else msg("its manifest asks to change them"),
        )
        yield line(
            "firewall", not self._firewall.obstacle, self._firewall.obstacle or msg("in its own network namespace")
        )
        for controller, what in (("memory", "memory limit"), ("cpu", "CPU limit"), ("pids", "limit of processes")):
            there = controller in self._cgroup.controllers
            yield line(
                what,
                there,
                "" if there else msg("this host delegates no {controller} controller", controller=controller),
            )
        confined = process.security_label if process is not None else ""
        for what, sign in (("AppArmor", "archipelago-"), ("SELinux", ":archipelago_")):
            yield line(
                what,
                sign in confined,
                "" if sign in confined else msg("its profile is not loaded: 'security profiles'"),
            )
