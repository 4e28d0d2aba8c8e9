"""The configuration of rclone as its environment: no file has it, and what rclone learns stays in memory. Pure."""

import re
from collections.abc import Mapping, Sequence

from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

_NAME = re.compile(r"[A-Za-z0-9_]{1,60}")
_COMMAND = re.compile(r"(.*_)?(command|cmd)|ssh|metadata_mapper|(override|global)\..*")
"""Options whose value rclone runs, or takes for one of its own that may be run."""
_LEADING = re.compile(r"(.*_)?(remotes?|upstreams)")
"""Options whose value names other remotes. rclone also takes a remote of any options there, `:webdav,url=…:`."""
_UPSTREAM = re.compile(r"([^=:,\"\s]+=)?([^:,\"]*:[^:,\"]*?)(:(ro|nc|writeback))?")
"""One of the `upstreams` of rclone's `combine` (DIR=NAME:PATH) and `union` (NAME:PATH:ro)."""

_SECRET = re.compile(r"PASS|SECRET|TOKEN|KEY|AUTH|CREDENTIALS")


def environment(config: str, remote: str) -> Mapping[str, str]:
    """Return the environment in which rclone has the sections of a configuration, as `rclone config show` prints it.

    Raises `NodeError` where it is none, has no such remote, or would have rclone run programs or use local folders.
    """
    import configparser

    parser = configparser.RawConfigParser(interpolation=None, strict=True, default_section="")
    try:
        parser.read_string(config)
        if "\0" in config:
            raise configparser.Error
    except configparser.Error as error:
        raise _refusal(msg("this is no configuration of rclone")) from error
    found = {"RCLONE_CONFIG": "/notfound"}  # rclone's word for none
    for name in parser.sections():
        if not _NAME.fullmatch(name):
            raise _refusal(msg("the name of a remote of rclone has letters, digits and '_' here"))
        for key, value in parser.items(name):
            if _COMMAND.fullmatch(key) or not re.fullmatch(r"[a-z0-9_]{1,60}", key):
                raise _refusal(msg("the option {key} of rclone is not allowed here", key=key[:60]))
            _require_known_remotes(key, value, parser.sections())
            found[f"RCLONE_CONFIG_{name}_{key}".upper()] = value
    if f"RCLONE_CONFIG_{remote}_TYPE".upper() not in found:
        raise _refusal(msg("the configuration of rclone has no remote {remote}", remote=remote))
    return found


def _require_known_remotes(key: str, value: str, names: Sequence[str]) -> None:
    """Refuse a value that leads elsewhere than to a remote of the configuration: to a command, or to this machine."""
    if re.fullmatch(r"(.*_)?type", key) and value.lower() == "local":
        raise _refusal(msg("rclone leads to a folder of this machine; add that folder itself as a target"))
    if not _LEADING.fullmatch(key):
        return
    many = key.endswith("s")
    known = {name.upper() for name in names}
    for each in value.split() if many else [value]:
        found = _UPSTREAM.fullmatch(each) if many else re.fullmatch(r"()([^:,\"]*:[^:,\"]*)", each)
        if not found or found[2].partition(":")[0].upper() not in known:
            raise _refusal(
                msg("the option {key} of rclone may only name remotes of this configuration, as NAME:FOLDER", key=key)
            )


def secrets_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values that no log may show."""
    return tuple(value for name, value in environment.items() if value and _SECRET.search(name))


def _refusal(why: str) -> NodeError:
    return NodeError(
        ErrorCode.INVALID_VALUE, why, hint=msg("give what 'rclone config show' prints where rclone is set up")
    )
