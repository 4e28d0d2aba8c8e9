"""A bill of materials as a CycloneDX 1.6 document (JSON), and back. The same packages give the same text. Pure."""

import json
import uuid
from collections.abc import Iterable

from archipelago.security.sbom.databases import Ecosystem, Package

_NAMESPACE = uuid.UUID("8f6c2b0e-6f0e-4e55-9d0d-0c9a6f4a7d11")
"""Of the serial numbers: made of the image and its packages, so that they do not change by themselves."""


def document(image: str, digest: str, packages: Iterable[Package], *, complete: bool = True) -> str:
    """Return the document of an image; `digest` is that of the image's configuration (its ID in Podman).

    Where not all of the image was read, it says so (`compositions`).
    """
    # Imported here: the library costs 100 ms, and is needed only when an image is new.
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.license import DisjunctiveLicense
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    components = []
    for package in packages:
        url = PackageURL(package.ecosystem.value, _NAMESPACES.get(package.ecosystem), package.name, package.version)
        components.append(
            Component(
                type=ComponentType.LIBRARY,
                name=package.name,
                version=package.version,
                purl=url,
                bom_ref=url.to_string(),
                licenses=[DisjunctiveLicense(name=package.license)] if package.license else None,
            )
        )
    bom = Bom(components=components)
    bom.metadata.component = Component(type=ComponentType.CONTAINER, name=image, version=digest, bom_ref=digest)
    bom.register_dependency(bom.metadata.component, components)
    found = json.loads(JsonV1Dot6(bom).output_as_string())
    found["metadata"].pop("timestamp", None)
    if not complete:
        found["compositions"] = [{"aggregate": "incomplete", "assemblies": [digest]}]
    parts = json.dumps([image, digest, found.get("components", [])])
    found["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, parts)}"
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


_NAMESPACES = {Ecosystem.DEBIAN: "debian", Ecosystem.ALPINE: "alpine"}


def packages_of(text: str) -> tuple[Package, ...]:
    """Return the packages of a document that `document` wrote."""
    found = []
    for component in json.loads(text).get("components", ()):
        kind = str(component["purl"]).removeprefix("pkg:").partition("/")[0]
        license = next((each["license"]["name"] for each in component.get("licenses", ())), "")
        found.append(Package(Ecosystem(kind), component["name"], component["version"], license))
    return tuple(sorted(found))
