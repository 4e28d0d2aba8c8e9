"""Why a connection failed, in words that quote no address: that of a proxy may hold a password."""


def connection_words(error: Exception) -> str:
    """Return what an error of an HTTP client says to an owner."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    cause = getattr(error, "os_error", None)
    if isinstance(cause, OSError):
        return f"no connection: {cause.strerror or type(cause).__name__}"
    # aiohttp says of a URL that is none the URL alone.
    if isinstance(error, ValueError) and hasattr(error, "url"):
        return "an address is no URL; look at that of the proxy, in HTTPS_PROXY"
    return str(error) or type(error).__name__
