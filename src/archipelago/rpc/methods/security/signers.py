"""Methods about whom this node takes images from."""

from typing import Annotated

from pydantic import StringConstraints

from archipelago.api.services import Engine
from archipelago.api.system import SignerView
from archipelago.rpc.method import AnyMethod, Method, NoParams, Params
from archipelago.storage.records.permissions import Permission


class PublisherParams(Params):
    """A publisher of images."""

    publisher: Annotated[
        str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.:_-]*(/[a-z0-9][a-z0-9._-]*)?$", max_length=200)
    ]
    """`ghcr.io/acme`, or a whole registry: `ghcr.io`."""


class AcceptParams(PublisherParams):
    """Whose images are taken."""

    signer: Annotated[str, StringConstraints(max_length=1000)]
    """SHA-256 of the public key (64 hexadecimal digits), `sigstore:<identity> (<issuer>)`, `unsigned`, or `any` for
    whoever signs the next one."""


async def _list(engine: Engine, _: NoParams) -> tuple[SignerView, ...]:
    return await engine.signers()


async def _accept(engine: Engine, params: AcceptParams) -> None:
    await engine.accept_signer(params.publisher, params.signer)


async def _forget(engine: Engine, params: PublisherParams) -> None:
    await engine.forget_signer(params.publisher)


def signer_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="signer-list",
            summary="List whom images are taken from: the first signer of each publisher, and what the owner decided",
            params=NoParams,
            result=tuple[SignerView, ...],
            permission=Permission.READ,
            handler=_list,
        ),
        Method(
            name="signer-accept",
            summary="Take images of a publisher, or of a whole registry, from this signer from now on",
            params=AcceptParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=False,
            handler=_accept,
        ),
        Method(
            name="signer-forget",
            summary="Forget whom images of a publisher came from: the next one is the first again",
            params=PublisherParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=False,
            handler=_forget,
        ),
    )
