"""Why an image cannot be had, in words for the owner."""

from collections.abc import Iterator
from contextlib import contextmanager

from archipelago.container.images.build.watch import BuildStopped
from archipelago.container.images.refusal import PackagesRefused
from archipelago.container.manifest.containerfile.instructions import ContainerfileError
from archipelago.container.manifest.package import AppPackage
from archipelago.container.podman_client.errors import PodmanError, StorageFull
from archipelago.errors import ErrorCode, NodeError, is_disk_full, says_disk_full
from archipelago.support.texts.text import msg

_KEPT_REASON = 300
"""Last characters of a tool's words that go with a full disk."""


@contextmanager
def explained(package: AppPackage) -> Iterator[None]:
    """Turn what is refused into `NodeError`: DISK_FULL where room is missing, else IMAGE."""
    try:
        yield
    except (BuildStopped, PackagesRefused) as error:
        if says_disk_full(str(error)):
            raise _disk_full(package, str(error)) from error
        raise _failed(package, str(error), error.hint) from error
    except ContainerfileError as error:
        raise _failed(
            package, msg("Containerfile, line {line}: {message}", line=error.line, message=error.message), error.hint
        ) from error
    except StorageFull as error:
        raise _disk_full(package, str(error)) from error
    except PodmanError as error:
        raise _failed(package, str(error), msg("see the message; 'archipelago doctor' checks the host")) from error
    except OSError as error:
        if is_disk_full(error):
            raise _disk_full(package, str(error)) from error
        raise _failed(
            package, str(error), msg("the node needs its data folder, and the tools of 'make setup'")
        ) from error


def tool_failed(package: AppPackage, tool: str, code: int, output: str) -> NodeError:
    """Return the error for a program that ended with an exit code other than 0; `output` is the end of what it said."""
    if says_disk_full(output):
        return _disk_full(package, output)
    reason = _telling(output) or msg("exit code {code}", code=code)
    return _failed(package, f"{tool}: {reason}", msg("check the network and the recipe, then try again"))


def _telling(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("E:", "error", "Error")) or "error:" in line]
    return "; ".join((telling or lines)[-3:])


def _failed(package: AppPackage, reason: str, hint: str) -> NodeError:
    return NodeError(
        ErrorCode.IMAGE,
        msg("the image of {app} cannot be had: {reason}", app=package.manifest.id, reason=reason),
        hint=hint,
        data={"app": package.manifest.id},
    )


def _disk_full(package: AppPackage, reason: str) -> NodeError:
    return NodeError(
        ErrorCode.DISK_FULL,
        msg("the disk is full: there is no room for the image of {app}", app=package.manifest.id),
        hint=msg("free some space, then try again"),
        data={"app": package.manifest.id, "reason": reason[-_KEPT_REASON:]},
    )
