"""What a consumer of `bitcoin-rpc` may call, by its role: lists for bitcoind's option `rpcwhitelist`.

Nobody's list has `stop`, nor what writes files, changes the node's peers or reveals private keys.
"""

from archipelago.chains.chain import InterfaceRole

_VIEW = (
    "estimatesmartfee",
    "getblock",
    "getblockchaininfo",
    "getblockhash",
    "getblockheader",
    "getblockstats",
    "getindexinfo",
    "getmempoolentry",
    "getmempoolinfo",
    "getrawmempool",
    "getrawtransaction",
    "gettxout",
    "validateaddress",
)
_MINE = (
    "getbestblockhash",
    "getblockchaininfo",
    "getblocktemplate",
    "preciousblock",  # of two blocks at the same height, the node prefers its owner's
    "submitblock",
    "validateaddress",
)
_BROADCAST = (
    "getblockchaininfo",
    "sendrawtransaction",
    "testmempoolaccept",
)
_READ = (
    "decodepsbt",
    "decoderawtransaction",
    "decodescript",
    "deriveaddresses",
    "estimaterawfee",
    "estimatesmartfee",
    "getbestblockhash",
    "getblock",
    "getblockchaininfo",
    "getblockcount",
    "getblockfilter",
    "getblockhash",
    "getblockheader",
    "getblockstats",
    "getchainstates",
    "getchaintips",
    "getchaintxstats",
    "getconnectioncount",
    "getdeploymentinfo",
    "getdescriptorinfo",
    "getdifficulty",
    "getindexinfo",
    "getinfo",  # of btcd: what is written for both (LND) recognises bitcoind by not having it
    "getmempoolancestors",
    "getmempooldescendants",
    "getmempoolentry",
    "getmempoolinfo",
    "getmininginfo",
    "getnettotals",
    "getnetworkhashps",
    "getnetworkinfo",
    "getrawmempool",
    "getrawtransaction",
    "getrpcinfo",
    "gettxout",
    "gettxoutproof",
    "gettxoutsetinfo",
    "gettxspendingprevout",
    "getzmqnotifications",
    "help",
    "scanblocks",
    "scantxoutset",
    "sendrawtransaction",
    "submitpackage",
    "testmempoolaccept",
    "uptime",
    "validateaddress",
    "verifymessage",
    "verifytxoutproof",
)
_WALLET = (
    "abandontransaction",
    "abortrescan",
    "analyzepsbt",
    "bumpfee",
    "combinepsbt",
    "combinerawtransaction",
    "converttopsbt",
    "createpsbt",
    "createrawtransaction",
    "createwallet",
    "enumeratesigners",
    "finalizepsbt",
    "fundrawtransaction",
    "getaddressesbylabel",
    "getaddressinfo",
    "getbalance",
    "getbalances",
    "getnewaddress",
    "getpeerinfo",
    "getrawchangeaddress",
    "getreceivedbyaddress",
    "getreceivedbylabel",
    "gettransaction",
    "getwalletinfo",
    "importdescriptors",
    "importmulti",
    "joinpsbts",
    "keypoolrefill",
    "listaddressgroupings",
    "listlabels",
    "listlockunspent",
    "listreceivedbyaddress",
    "listreceivedbylabel",
    "listsinceblock",
    "listtransactions",
    "listunspent",
    "listwalletdir",
    "listwallets",
    "loadwallet",
    "lockunspent",
    "psbtbumpfee",
    "rescanblockchain",
    "send",
    "sendall",
    "sendmany",
    "sendtoaddress",
    "setlabel",
    "settxfee",
    "setwalletflag",
    "signmessage",
    "signrawtransactionwithwallet",
    "simulaterawtransaction",
    "unloadwallet",
    "utxoupdatepsbt",
    "walletcreatefundedpsbt",
    "walletdisplayaddress",
    "walletlock",
    "walletpassphrase",
    "walletprocesspsbt",
)


def methods_of(role: InterfaceRole) -> tuple[str, ...] | None:
    """Return the methods that a role may call, in order; None for all of them."""
    match role:
        case InterfaceRole.VIEW:
            return _VIEW
        case InterfaceRole.MINE:
            return _MINE
        case InterfaceRole.BROADCAST:
            return _BROADCAST
        case InterfaceRole.READ:
            return _READ
        case InterfaceRole.WALLET:
            return tuple(sorted((*_READ, *_WALLET)))
        case InterfaceRole.FULL:
            return None


def whitelist_line(user: str, role: InterfaceRole) -> str:
    """Return `user:method,method` for bitcoind's `rpcwhitelist`, or an empty text where all methods are allowed."""
    methods = methods_of(role)
    return "" if methods is None else f"{user}:{','.join(methods)}"
