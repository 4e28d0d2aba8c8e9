"""What is written of an image is valid by the schema of CycloneDX, which takes a second to load."""

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from archipelago.security.sbom.databases import Ecosystem, Package
from archipelago.security.sbom.document import document

FOUND = tuple(
    Package(ecosystem, name, version, license)
    for ecosystem in Ecosystem
    for name, version, license in (("plain", "1.2", ""), ("@scope/name", "2:3.4-1~x+dfsg", "GPL-2.0-only"))
)


def test_a_document_is_valid() -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    for packages in (FOUND, ()):
        assert validator.validate_str(document("localhost/x:1", "ab" * 32, packages)) is None
