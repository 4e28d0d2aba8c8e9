"""The command about what is in the images of apps: sbom."""

import sys
from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.options import ContainerName, Installed, Json
from archipelago.cli.output import show, show_json, show_table


def sbom(
    app: Installed,
    container: ContainerName = None,
    changes: Annotated[bool, typer.Option("--changes", help="Show only what the last update changed.")] = False,
    json: Json = False,
) -> None:
    """List the packages in the image of an app. --json prints the SBOM as CycloneDX."""
    client = Client()
    if changes:
        found = client.call("sbom-changes", app=app, container=container)
        if json:
            show_json(found)
        elif not found:
            show("The last update changed no package, or there was none.")
        else:
            rows = ((one["ecosystem"], one["name"], one["before"] or "", one["after"] or "") for one in found)
            show_table(("KIND", "PACKAGE", "BEFORE", "NOW"), rows)
        return
    document = client.call("sbom", app=app, container=container)
    if json:
        show_json(document)
        return
    parts = document.get("components", [])
    if any(each.get("aggregate") == "incomplete" for each in document.get("compositions", [])):
        show("archipelago: the image is too large to be read whole; there may be more in it", sys.stderr)
    show_table(
        ("KIND", "PACKAGE", "VERSION"), ((one["purl"][4:].split("/")[0], one["name"], one["version"]) for one in parts)
    )
