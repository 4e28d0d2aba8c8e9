"""How much bitcoind keeps in memory: within its limit, and no more than it can write while it stops."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.package import load_package
from archipelago.container.workload.chain_cache import chain_cache
from archipelago.container.workload.compiler import compile_app
from archipelago.container.workload.inputs import AppInput, Site
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.security.secrets.secret import Secret
from support.checkout import APPS

MIB, GIB = 1024**2, 1024**3
HOSTS = st.integers(512 * MIB, 256 * GIB)
LIMITS = st.integers(512 * MIB, 64 * GIB)
GRACES = st.floats(30, 1800)
KNOTS = load_package(APPS / "bitcoin-knots")


@given(HOSTS, LIMITS, GRACES, st.booleans())
def test_the_limit_is_more_than_cache_and_mempool_and_a_quarter(
    host: int, limit: int, grace: float, downloading: bool
) -> None:
    cache = chain_cache(host, limit, grace, downloading=downloading)
    assert 4 <= cache.chosen <= cache.most
    if cache.most > 4:
        assert limit >= 1.25 * (cache.most + 300) * MIB
        assert host > cache.most * MIB
        assert cache.most <= 2 * grace


@given(HOSTS, HOSTS, LIMITS, GRACES)
def test_it_is_more_during_the_first_download_and_with_more_memory(
    one: int, other: int, limit: int, grace: float
) -> None:
    less, more = sorted((one, other))
    for downloading in (True, False):
        few = chain_cache(less, limit, grace, downloading=downloading)
        many = chain_cache(more, limit, grace, downloading=downloading)
        assert few.chosen <= many.chosen
    before = chain_cache(one, limit, grace, downloading=True)
    assert before.chosen >= chain_cache(one, limit, grace, downloading=False).chosen


def bitcoind(memory: int, *, downloading: bool, own: int | None = None, **options: object) -> ContainerWorkload:
    """Return the container of Bitcoin Knots on a host with so much memory, of which the owner lets it take `own`."""
    host = HostFacts(Architecture.AMD64, memory=memory, cores=4, free_disk=1 << 40)
    given = AppInput(
        package=KNOTS,
        options={**{name: each.default for name, each in KNOTS.manifest.options.items()}, **options},  # type: ignore[dict-item]
        slot=0,
        images={"main": "localhost/knots"},
        ports={"p2p": 8333},
        secrets={"probe_password": Secret("Kx4vXQ0mWq7mM1yB2nT9uA5c", "1")},
        downloading=downloading,
        memory=own,
    )
    (container,) = compile_app(given, Site("node", "/data", "/run/files", host), Renderer()).containers
    return container


def dbcache(container: ContainerWorkload) -> int:
    (file,) = [each for each in container.files if PurePosixPath(each.path).name.endswith("bitcoin.conf")]
    (line,) = [each for each in file.content.reveal().decode().splitlines() if each.startswith("dbcache=")]
    return int(line.removeprefix("dbcache="))


@pytest.mark.parametrize(
    ("memory", "first", "then"),
    [(GIB, 256, 128), (2 * GIB, 512, 256), (4 * GIB, 1024, 450), (8 * GIB, 2048, 450), (64 * GIB, 2157, 450)],
)
def test_bitcoin_knots_is_given_it(memory: int, first: int, then: int) -> None:
    assert dbcache(bitcoind(memory, downloading=True)) == first
    assert dbcache(bitcoind(memory, downloading=False)) == then


def test_the_owner_chooses_up_to_what_fits() -> None:
    assert dbcache(bitcoind(8 * GIB, downloading=False, dbcache=1500)) == 1500
    assert dbcache(bitcoind(8 * GIB, downloading=False, dbcache=16384)) == 2157


def test_the_end_of_the_download_restarts_nothing() -> None:
    assert bitcoind(8 * GIB, downloading=True).hash == bitcoind(8 * GIB, downloading=False).hash
    assert bitcoind(8 * GIB, downloading=True).hash != bitcoind(8 * GIB, downloading=True, dbcache=1500).hash


def test_the_cache_follows_the_memory_that_the_owner_allows_and_nothing_restarts_for_it() -> None:
    assert dbcache(bitcoind(8 * GIB, downloading=True, own=GIB)) == 519
    assert dbcache(bitcoind(8 * GIB, downloading=True, own=4 * GIB)) == 2048
    assert bitcoind(8 * GIB, downloading=True, own=GIB).hash == bitcoind(8 * GIB, downloading=True).hash


def test_bitcoin_knots_has_half_an_hour_to_write() -> None:
    assert bitcoind(8 * GIB, downloading=True).spec.stop_timeout == 1800
