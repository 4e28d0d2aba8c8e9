"""Apps and their compiled workloads: a Bitcoin node, and an Electrum server that uses it."""

from typing import Any

from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.plan import Edge
from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.container.manifest.package import AppPackage
from archipelago.container.workload.compiler import compile_app
from archipelago.container.workload.inputs import AppInput, Site
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.container.workload.workload import Workload
from archipelago.security.secrets.secret import Secret
from support.app_manifests import app

SITE = Site("n1", "/data", "/run/files", HostFacts(Architecture.AMD64, 8 << 30, 4, 100 << 30))
PROBE = Secret("probe-value", "f-probe")
LOGIN = Secret("login-value", "f-login")
TEMPLATE = b"""txindex={{ options.txindex | int }}
rpcauth={{ secrets.probe | rpcauth('archipelago') }}
{% for each in consumers['bitcoin-rpc'] %}
rpcauth={{ each.rpcauth }}
{% endfor %}
"""


def bitcoin(**changes: Any) -> AppPackage:
    values: dict[str, Any] = {
        "options": {"txindex": {"type": "bool", "label": "Index", "default": False}},
        "secrets": {"probe": {}},
        "volumes": {"data": {"data": "files"}},
        "containers": {
            "main": {
                "build": {"type": "packages", "packages": ["x"]},
                "command": ["bitcoind", "-maxmem={{ container.memory | mib }}"],
                "mounts": [{"volume": "data", "path": "/data"}],
                "files": [{"path": "/etc/bitcoin.conf", "template": "bitcoin.conf.j2"}],
            }
        },
        "provides": {
            "bitcoin-rpc": {
                "container": "main",
                "port": 8332,
                "credentials": "rpcauth",
                "exports": {"index": "{{ options.txindex }}"},
            }
        },
        "endpoints": {"p2p": {"kind": "p2p", "container": "main", "port": 8333, "host_port": 8333}},
        **changes,
    }
    return AppPackage(app("bitcoin", **values), "", {"bitcoin.conf.j2": TEMPLATE})


ELECTRUM = AppPackage(
    app(
        "electrum",
        requires={"bitcoin-rpc": {}},
        containers={
            "main": {
                "build": {"type": "packages", "packages": ["x"]},
                "environment": {"NODE": "{{ requires['bitcoin-rpc'].host }}:{{ requires['bitcoin-rpc'].port }}"},
                "files": [{"path": "/etc/login", "template": "login.j2"}],
            }
        },
    ),
    "",
    {"login.j2": b"{{ requires['bitcoin-rpc'].user }}:{{ requires['bitcoin-rpc'].password }}\n"},
)
EDGE = Edge(consumer="electrum", interface="bitcoin-rpc", provider="bitcoin", wait=Wait.SERVING)


def input_of(package: AppPackage, **changes: Any) -> AppInput:
    values: dict[str, Any] = {
        "package": package,
        "options": {"txindex": False},
        "slot": 3,
        "images": {"main": "localhost/x:1"},
        "ports": {"p2p": 18333},
        "secrets": {"probe": PROBE},
        **changes,
    }
    return AppInput(**values)


def compiled(given: AppInput, site: Site = SITE) -> Workload:
    return compile_app(given, site, Renderer())
