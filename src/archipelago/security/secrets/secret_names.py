"""Names of the secrets of an app: those of its manifest, and the logins of its consumers. Pure."""

_LOGIN = "edge"


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
