"""How a running container is asked for its health: one branch for each type of probe."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from archipelago.chains.registry import chain_named
from archipelago.container.health_monitor.chain_examiner import ask_chain
from archipelago.container.health_monitor.progress import Verdict, chain_verdict
from archipelago.container.manifest.model.probes import ChainProbe, ExecProbe, HealthCheck, HttpProbe, TcpProbe
from archipelago.container.namespace.client import Namespace, ProbeFailed, Target
from archipelago.security.secrets.secret import Secret
from archipelago.support.texts.text import msg

_STILL_SYNCING = 75
"""Exit code of a probe command that works but still syncs (EX_TEMPFAIL, sysexits.h)."""

Execute = Callable[[str, tuple[str, ...], float], Awaitable[tuple[int, str]]]


@dataclass(frozen=True, slots=True)
class Watched:
    """A running container and how it is probed."""

    app: str
    container: str
    name: str
    """Its name in Podman."""
    target: Target
    spec: HealthCheck | None
    """None: a container without a probe is healthy once it has run for `STEADY` seconds."""
    secrets: dict[str, Secret]


@dataclass(frozen=True, slots=True)
class Prober:
    """Probes containers.

    `execute(container name, command, timeout)` runs a command inside a container and returns its exit code and the
    first line that it printed. `redact` takes secrets out of what a container answers.
    """

    namespace: Namespace
    execute: Execute
    redact: Callable[[str], str]

    async def probe(self, watched: Watched, spec: HealthCheck) -> Verdict:
        """Return what one probe found; a probe that fails is a verdict as well."""
        probe = spec.probe
        try:
            match probe:
                case TcpProbe():
                    await self.namespace.tcp(watched.target, probe.port, spec.timeout)
                    return Verdict(True)
                case HttpProbe():
                    return await self._http(watched, probe, spec.timeout)
                case ExecProbe():
                    return await self._exec(watched, probe, spec.timeout)
                case ChainProbe():
                    return await self._chain(watched, probe, spec.timeout)
        except ProbeFailed as error:
            port = getattr(probe, "port", None)
            return Verdict(False, msg("port {port}: {error}", port=port, error=error) if port else str(error))
        except Exception as error:
            # A mistake of ours must not end the probes, nor look like health; its text may hold a secret.
            log = structlog.get_logger("health")
            log.error("probe cannot be made", container=watched.name, error=type(error).__name__)
            return Verdict(False, msg("it cannot be probed ({name})", name=type(error).__name__))

    async def _http(self, watched: Watched, probe: HttpProbe, timeout: float) -> Verdict:
        answer = await self.namespace.http(watched.target, probe.port, probe.path, timeout)
        if answer.status < 400:
            return Verdict(True)
        return Verdict(False, msg("HTTP status {status} on port {port}", status=answer.status, port=probe.port))

    async def _exec(self, watched: Watched, probe: ExecProbe, timeout: float) -> Verdict:
        code, said = await self.execute(watched.name, probe.command, timeout)
        if code in (0, _STILL_SYNCING):
            return Verdict(True, said if code else "", syncing=bool(code))
        return Verdict(
            False, said or msg("'{command}' ended with exit code {code}", command=probe.command[0], code=code)
        )

    async def _chain(self, watched: Watched, probe: ChainProbe, timeout: float) -> Verdict:
        chain = chain_named(probe.chain)
        request = chain.probe(probe.user, watched.secrets[probe.secret].reveal())
        answer = await ask_chain(self.namespace, watched.target, probe.port, request, timeout)
        # All of it, and not the reason alone: the name of the chain is the app's own word as well.
        return chain_verdict(chain, answer.status, self.redact(answer.body), datetime.now(UTC))
