"""Commands about whom images are taken from: signer list, accept, forget."""

from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.options import Json
from archipelago.cli.output import show, show_json, show_table

_Publisher = Annotated[str, typer.Argument(metavar="PUBLISHER", help="Such as ghcr.io/acme, or all of ghcr.io.")]


def list_signers(json: Json = False) -> None:
    """List whom images are taken from."""
    found = Client().call("signer-list")
    if json:
        show_json(found)
    else:
        rows = ((one["publisher"], one["signer"], one["since"][:19]) for one in found)
        show_table(("PUBLISHER", "SIGNER", "SINCE"), rows)


def accept(
    publisher: _Publisher,
    signer: Annotated[str, typer.Argument(metavar="SIGNER", help="Fingerprint of a key, 'unsigned' or 'any'.")],
) -> None:
    """Take images of a publisher from this signer from now on."""
    Client().call("signer-accept", publisher=publisher, signer=signer)
    show(f"Images of {publisher} are taken from {signer}.")


def forget(publisher: _Publisher) -> None:
    """Forget whom images of a publisher came from; the next one is the first again."""
    Client().call("signer-forget", publisher=publisher)
    show(f"The next image of {publisher} is the first one.")
