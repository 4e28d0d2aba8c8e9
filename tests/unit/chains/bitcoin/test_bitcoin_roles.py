"""Roles of bitcoin-rpc: each has what it needs, and none what would risk the node or its keys."""

import pytest

from archipelago.chains.bitcoin.roles import methods_of, whitelist_line
from archipelago.chains.chain import InterfaceRole

DANGEROUS = {
    *("stop", "dumpprivkey", "dumpwallet", "importwallet", "listdescriptors", "backupwallet", "restorewallet"),
    *("addnode", "setban", "setnetworkactive", "disconnectnode", "invalidateblock", "pruneblockchain", "dumptxoutset"),
    *("encryptwallet", "walletpassphrasechange", "savemempool", "logging", "generatetoaddress"),
}


@pytest.mark.parametrize("role", [each for each in InterfaceRole if each is not InterfaceRole.FULL])
def test_no_list_has_what_is_dangerous(role: InterfaceRole) -> None:
    methods = methods_of(role)
    assert methods is not None
    assert not DANGEROUS & set(methods)
    assert list(methods) == sorted(set(methods))


@pytest.mark.parametrize("role", InterfaceRole)
def test_a_role_has_the_calls_of_all_that_it_includes(role: InterfaceRole) -> None:
    methods = methods_of(role)
    assert role in role.includes
    for other in InterfaceRole:
        others = methods_of(other)
        fewer = methods is None or (others is not None and set(others) <= set(methods))
        assert (other in role.includes) == fewer, other


def test_who_mines_sees_no_transaction_and_who_looks_sends_nothing() -> None:
    mine, view = methods_of(InterfaceRole.MINE), methods_of(InterfaceRole.VIEW)
    assert mine is not None and view is not None
    assert {"getblocktemplate", "submitblock"} <= set(mine)
    assert not any("transaction" in method or "mempool" in method for method in mine)
    assert not any(method.startswith(("send", "submit", "scan")) for method in view)


def test_a_wallet_may_all_that_a_reader_may_and_a_reader_has_no_wallet() -> None:
    read, wallet = methods_of(InterfaceRole.READ), methods_of(InterfaceRole.WALLET)
    assert read is not None and wallet is not None
    assert set(read) < set(wallet)
    assert not any("wallet" in method or method.startswith("send") for method in set(read) - {"sendrawtransaction"})


def test_who_may_broadcast_may_little_else() -> None:
    broadcast, read = methods_of(InterfaceRole.BROADCAST), methods_of(InterfaceRole.READ)
    assert broadcast == ("getblockchaininfo", "sendrawtransaction", "testmempoolaccept")
    assert read is not None and set(broadcast) < set(read)


def test_the_line_is_what_bitcoind_reads() -> None:
    assert whitelist_line("electrumx", InterfaceRole.READ).startswith("electrumx:decodepsbt,decoderawtransaction,")
    assert " " not in whitelist_line("electrumx", InterfaceRole.WALLET)
    assert whitelist_line("admin", InterfaceRole.FULL) == ""
