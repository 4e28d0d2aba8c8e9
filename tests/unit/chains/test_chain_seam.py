"""A second chain is one class and one line of the registry: the monitor and the compiler ask for nothing else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from archipelago.api.health import Health, HealthState
from archipelago.chains.chain import Chain, ChainReading, ChainState, Conversation, InterfaceRole, ProbeRequest
from archipelago.chains.facts import ChainFacts
from archipelago.chains.registry import CHAINS, chain_named, chain_with_login
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.health_monitor.progress import Progress, chain_verdict
from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.model.interfaces import Credentials
from archipelago.container.manifest.model.probes import ChainProbe, HealthCheck, TcpProbe
from archipelago.container.manifest.package import AppPackage
from archipelago.container.workload.compiler import compile_app
from archipelago.container.workload.inputs import AppInput, Consumer, Site
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.security.secrets.secret import Secret
from support.app_manifests import app

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Abacus:
    """A chain of beads, whose daemon answers with two numbers."""

    name: str = "abacus"
    login: str = "beads"

    def probe(self, user: str, password: str) -> ProbeRequest:
        return ProbeRequest({"X-User": user}, "", method="GET", path=f"/state?key={password}")

    def read(self, status: int, body: str, now: float) -> ChainReading:
        if status != 200:
            raise ValueError(f"the abacus answered {status}")
        counted, known = json.loads(body)
        state = ChainState("wood", counted, known, 100 * counted / known, initial_block_download=counted < known)
        return ChainReading(state, "" if counted == known else f"{known - counted} beads to go")

    def examine(self, user: str, password: str, before: ChainFacts) -> Conversation:
        answer = yield self.probe(user, password)
        return before if answer is None else ChainFacts(height=json.loads(answer.body)[0])

    def login_line(self, user: str, password: str) -> str:
        return f"{user}/{password}"

    def credentials(self, user: str, password: str, role: InterfaceRole) -> Mapping[str, str]:
        return {"line": self.login_line(user, password), "may": role.value}


ABACUS: Chain = Abacus()
BOTH = (*CHAINS, ABACUS)


def test_the_monitor_judges_a_chain_by_what_its_class_says() -> None:
    chain = chain_named("abacus", BOTH)
    started = Progress(Health(state=HealthState.STARTING, since=NOW))
    spec = HealthCheck(probe=TcpProbe(type="tcp", port=1))
    half = started.after(chain_verdict(chain, 200, "[5, 10]", NOW), spec, 1, NOW).health
    assert (half.state, half.reason) == (HealthState.SYNCING, "5 beads to go")
    assert half.sync is not None and (half.sync.chain, half.sync.percent) == ("wood", 50)
    assert started.after(chain_verdict(chain, 200, "[10, 10]", NOW), spec, 1, NOW).health.state is HealthState.HEALTHY
    assert chain_verdict(chain, 503, "", NOW).reason == "the abacus answered 503"
    assert not chain_verdict(chain, 200, "[-1, 10]", NOW).ok, "what cannot be is no state of a chain"


def test_the_compiler_gives_a_provider_the_logins_that_its_chain_makes() -> None:
    container = {
        "build": {"type": "packages", "packages": ["x"]},
        "files": [{"path": "/etc/users", "template": "users.j2"}],
    }
    manifest = app("abacusd", containers={"main": container}, provides={"beads": {"container": "main", "port": 1}})
    # As a manifest is once the format knows this kind of login.
    provided = manifest.provides["beads"].model_copy(update={"credentials": ABACUS.login})
    manifest = manifest.model_copy(update={"provides": {"beads": provided}})
    template = b"{% for each in consumers.beads %}{{ each.user }} {{ each.line }} {{ each.may }}\n{% endfor %}"
    given = AppInput(
        AppPackage(manifest, "", {"users.j2": template}),
        options={},
        slot=0,
        images={"main": "localhost/x:1"},
        consumers=(Consumer("beads", "child", Secret("key", "f"), InterfaceRole.WALLET),),
    )
    site = Site("n1", "/data", "/run/files", HostFacts(Architecture.AMD64, 8 << 30, 4, 100 << 30))
    workload = compile_app(given, replace(site, chains=BOTH), Renderer())
    assert workload.containers[0].files[0].content.reveal() == b"child child/key wallet\n"


def test_what_a_manifest_may_name_is_what_the_registry_knows() -> None:
    for chain in CHAINS:
        assert ChainProbe(type="chain", chain=chain.name, port=1, secret="probe").chain == chain.name
        assert chain_named(chain.name) is chain
    with pytest.raises(ValidationError):
        ChainProbe(type="chain", chain="abacus", port=1, secret="probe")
    with pytest.raises(LookupError, match="abacus"):
        chain_named("abacus")
    logins = {kind: chain_with_login(kind) for kind in Credentials}
    assert [kind for kind, chain in logins.items() if chain is None] == [Credentials.NONE, Credentials.MACAROON]
    assert len({chain.name for chain in CHAINS}) == len({chain.login for chain in CHAINS}) == len(CHAINS)
