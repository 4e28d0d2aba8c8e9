"""Names of the secrets of an app: those of its manifest, the logins of its consumers, and the keys of onion services.

Pure."""

_LOGIN = "edge"
_ONION, _CLIENT = "onion", "onion-client"


def login_name(interface: str, consumer: str) -> str:
    """Return the name that the login of one consumer of one interface has among the secrets of the provider."""
    return f"{_LOGIN}.{interface}.{consumer}"


def consumer_of(name: str) -> str | None:
    """Return the app whose login a secret of its provider is; None for a secret of the provider's own."""
    kind, *rest = name.split(".")
    return rest[-1] if kind == _LOGIN and len(rest) == 2 else None


def logins_pattern(consumer: str) -> str:
    """Return a pattern (glob(7)) for the files of all logins of a consumer, whoever provides."""
    return f"{login_name('*', consumer)}.*"


def onion_key_name(endpoint: str) -> str:
    """Return the name of the key of an endpoint's onion service, from which its address follows."""
    return f"{_ONION}.{endpoint}"


def client_key_name(endpoint: str) -> str:
    """Return the name of the key with which clients reach an endpoint's onion service."""
    return f"{_CLIENT}.{endpoint}"


def is_address(name: str) -> bool:
    """Return whether a secret is what an address follows from: it changes only if it is named."""
    return name.partition(".")[0] == _ONION
