"""Which apps run from a copy, and what they are compiled with. Pure."""

from dataclasses import replace

import pytest

from archipelago.container.operations.trial.scratch import refuse_untriable, with_providers
from archipelago.errors import NodeError
from archipelago.storage.records.apps import AppRecord
from support.app_manifests import app
from support.app_records import record_of

CHANNELS = {"volumes": {"c": {"data": "never-restore", "funds": True, "exclusive": True}}, "reversible": "no"}


def record(name: str, **manifest: object) -> AppRecord:
    return record_of(app(name, **manifest))


@pytest.mark.parametrize("then", [True, False])
def test_channel_state_is_refused_whichever_version_has_it(then: bool) -> None:
    plain, channels = record("x"), record("x", **CHANNELS)
    with pytest.raises(NodeError, match="loses money"):
        refuse_untriable(*((channels, plain) if then else (plain, channels)))
    refuse_untriable(plain, plain)
    refuse_untriable(plain, None)


def test_a_manifest_that_is_read_in_part_is_refused() -> None:
    unread = record("x")
    unread = replace(unread, package=replace(unread.package, problem="it is of a newer version"))
    with pytest.raises(NodeError, match="not known"):
        refuse_untriable(unread, None)


def test_an_app_is_compiled_with_all_that_it_may_need_and_with_nothing_else() -> None:
    chain = record("chain", provides={"rpc": {"container": "main", "port": 1}})
    index = record("index", requires={"rpc": {}}, provides={"electrum": {"container": "main", "port": 2}})
    wallet, other = record("wallet", requires={"electrum": {}}), record("other", requires={"electrum": {}})
    installed = {each.app: each for each in (chain, index, wallet, other)}
    assert set(with_providers(wallet, installed)) == {"wallet", "index", "chain"}
    assert set(with_providers(chain, installed)) == {"chain"}
    older = record("wallet")
    assert with_providers(older, installed) == {"wallet": older}, "as it was, and not as it is"
