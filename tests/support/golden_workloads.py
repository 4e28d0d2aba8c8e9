"""A node like Bitcoin Knots and a server like ElectrumX."""

from archipelago.container.dependency_resolver.plan import Edge
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.container.manifest.package import AppPackage
from archipelago.container.workload.inputs import AppInput, Binding, Consumer
from archipelago.container.workload.networks import edge_network_name
from archipelago.container.workload.template_context import exports
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.container.workload.workload import Workload
from archipelago.security.secrets.secret import Secret
from support.app_manifests import app
from support.workloads import compiled

GIB = 1024**3
EDGE_NETWORK = edge_network_name("electrumx", "bitcoin-knots", {"bitcoin-rpc"})
KNOTS = AppPackage(
    app(
        "bitcoin-knots",
        version="29.4",
        egress="direct",
        options={
            "network": {"type": "choice", "label": "Network", "default": "mainnet", "choices": ["mainnet", "regtest"]},
            "txindex": {"type": "bool", "label": "Index", "default": False},
        },
        secrets={"probe_password": {"kind": "hex"}},
        volumes={"chain": {"data": "rebuildable", "exclusive": True}},
        containers={
            "main": {
                "build": {"type": "packages", "suite": "sid", "packages": ["bitcoin-knots"]},
                "entrypoint": ["bitcoind"],
                "command": ["-conf=/etc/bitcoin/bitcoin.conf", "-datadir=/data"],
                "mounts": [{"volume": "chain", "path": "/data"}],
                "files": [{"path": "/etc/bitcoin/bitcoin.conf", "template": "files/bitcoin.conf.j2"}],
                "resources": {"memory": "3GiB", "cpu": 4, "pids": 512, "open_files": 8192},
                "stop": {"signal": "SIGTERM", "grace": "600s"},
            }
        },
        provides={
            "bitcoin-rpc": {
                "container": "main",
                "port": 8332,
                "accepts": ["txindex"],
                "credentials": "rpcauth",
                "exports": {"network": "{{ options.network }}"},
            }
        },
        endpoints={"p2p": {"kind": "p2p", "container": "main", "port": 8333, "host_port": 8333}},
    ),
    "",
    {
        "files/bitcoin.conf.j2": b"""{% set gib = host.memory // 1073741824 %}
{% if options.network != 'mainnet' %}
{{ options.network }}=1
{% endif %}
txindex={{ options.txindex | int }}
dbcache={{ 450 if gib < 5 else 1000 }}
rpcauth={{ secrets.probe_password | rpcauth('archipelago') }}
{% for consumer in consumers['bitcoin-rpc'] %}
rpcauth={{ consumer.rpcauth }}
{% endfor %}
"""
    },
)
ELECTRUMX = AppPackage(
    app(
        "electrumx",
        requires={"bitcoin-rpc": {"version": ">=25", "demands": {"txindex": True}, "wait": "serving"}},
        containers={
            "main": {
                "build": {"type": "packages", "packages": ["python3"]},
                "environment": {"COIN": "Bitcoin", "NET": "{{ requires['bitcoin-rpc'].exports.network }}"},
                "files": [{"path": "/etc/electrumx/daemon", "template": "daemon.j2"}],
            }
        },
        provides={"electrum": {"container": "main", "port": 50001}},
    ),
    "",
    {
        "daemon.j2": b"{% set rpc = requires['bitcoin-rpc'] %}\n"
        b"http://{{ rpc.user }}:{{ rpc.password }}@{{ rpc.host }}:{{ rpc.port }}/\n"
    },
)
PROBE, ELECTRUMX_LOGIN, LND_LOGIN = Secret("probe", "f0"), Secret("one", "f1"), Secret("two", "f2")
LOGINS = {"electrumx": ELECTRUMX_LOGIN, "lnd": LND_LOGIN}


def edge(consumer: str) -> Edge:
    """Return what an app uses of the node."""
    return Edge(consumer=consumer, interface="bitcoin-rpc", provider="bitcoin-knots", wait=Wait.SERVING)


def knots_input(*consumers: str) -> AppInput:
    """Return what the node is compiled from, with these consumers."""
    return AppInput(
        package=KNOTS,
        options={"network": "regtest", "txindex": True},
        slot=0,
        images={"main": "localhost/knots:1"},
        ports={"p2p": 18333},
        consumers=tuple(Consumer("bitcoin-rpc", each, LOGINS[each]) for each in consumers),
        secrets={"probe_password": PROBE},
        edges=tuple(edge(each) for each in consumers),
    )


def electrumx() -> Workload:
    """Return the compiled server."""
    values = exports(knots_input(), "bitcoin-rpc", Renderer())
    return compiled(
        AppInput(
            package=ELECTRUMX,
            options={},
            slot=1,
            images={"main": "localhost/electrumx:1"},
            bindings=(Binding(edge("electrumx"), KNOTS.manifest, values, ELECTRUMX_LOGIN),),
            edges=(edge("electrumx"),),
        )
    )
