"""Commands about trusted signers of images: signer list, accept, forget."""

from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.options import Json
from archipelago.cli.output import show, show_json, show_table

_Publisher = Annotated[str, typer.Argument(metavar="PUBLISHER", help="Such as ghcr.io/acme, or all of ghcr.io.")]


def list_signers(json: Json = False) -> None:
    """List the trusted signers of images."""
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
    """Trust this signer for images of a publisher."""
    Client().call("signer-accept", publisher=publisher, signer=signer)
    show(f"Images of {publisher} are taken from {signer}.")


def forget(publisher: _Publisher) -> None:
    """Remove the trusted signer of a publisher. The next one is trusted on first use."""
    Client().call("signer-forget", publisher=publisher)
    show(f"The next image of {publisher} is the first one.")
