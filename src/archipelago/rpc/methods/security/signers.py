"""Methods about whom this node takes images from."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import StringConstraints

from archipelago.api.security import SignerView
from archipelago.api.services.security import SignerService
from archipelago.rpc.method import Family, Params
from archipelago.storage.records.permissions import Permission
from archipelago.storage.records.signers import SignerRule

family = Family()


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


def _view(rule: SignerRule) -> SignerView:
    return SignerView(publisher=rule.publisher, signer=rule.signer, since=datetime.fromtimestamp(rule.since, UTC))


@family.method(
    "signer-list",
    "List whom images are taken from: the first signer of each publisher, and what the owner decided",
    permission=Permission.READ,
)
async def _list(signers: SignerService) -> tuple[SignerView, ...]:
    return tuple(map(_view, await signers.rules()))


@family.method(
    "signer-accept",
    "Take images of a publisher, or of a whole registry, from this signer from now on",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=False,
)
async def _accept(signers: SignerService, params: AcceptParams) -> None:
    await signers.accept(params.publisher, params.signer)


@family.method(
    "signer-forget",
    "Forget whom images of a publisher came from: the next one is the first again",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=False,
)
async def _forget(signers: SignerService, params: PublisherParams) -> None:
    await signers.forget(params.publisher)
