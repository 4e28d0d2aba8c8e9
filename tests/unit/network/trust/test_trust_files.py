"""What devices get to trust the node: the files, and the page in each language."""

import plistlib
import ssl
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from archipelago.api.trust import PublicFile, TrustDevice
from archipelago.network.trust.choice import chosen
from archipelago.network.trust.trust_files import TrustFiles
from archipelago.security.keys.certificates import Certificates
from archipelago.support.texts.translation import Language
from support.sealed_keys import Sealed
from support.sites import DOORS


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """The certificates of a node."""
    return Certificates(tmp_path, Sealed(), "island", lambda: datetime.now(UTC))


def test_each_file_has_the_certificate_in_the_form_that_its_name_says(certificates: Certificates) -> None:
    trust = TrustFiles(certificates, DOORS)
    files = {file.path.rpartition("/")[2]: file for file in trust.files() if not file.language}
    der = ssl.PEM_cert_to_DER_cert(certificates.authority().certificate_pem().decode())
    assert ssl.PEM_cert_to_DER_cert(files["archipelago-ca.crt"].body.decode()) == der
    assert files["archipelago-ca.cer"].body == der
    profile = plistlib.loads(files["archipelago-ca.mobileconfig"].body)
    (payload,) = profile["PayloadContent"]
    assert payload["PayloadType"] == "com.apple.security.root" and payload["PayloadContent"] == der
    assert payload["PayloadUUID"] != profile["PayloadUUID"]
    again = TrustFiles(certificates, DOORS).files()
    assert again == trust.files(), "a profile that is installed again replaces itself"
    assert {file.path for file in again if file.by_https} == {"/certificate/trusted"}
    guide = trust.guide([IPv4Address("192.168.1.5")])
    assert guide.pages == ("http://192.168.1.5:8481/certificate",)
    assert {steps.device for steps in guide.devices} == set(TrustDevice)
    assert {steps.file for steps in guide.devices} <= files.keys()


def test_another_authority_has_other_files(certificates: Certificates, tmp_path: Path) -> None:
    trust = TrustFiles(certificates, DOORS)
    before = trust.files()
    for file in tmp_path.iterdir():
        file.unlink()
    after = trust.files()
    assert not {file.body for file in before if not file.by_https} & {file.body for file in after if not file.by_https}


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH,de;q=0.9,fr;q=0.8", "de"),
        ("FR, en", "fr"),
        ("deutsch", "en"),
        ("nl,de;q=0.9", "en"),
        ("*", "en"),
        ("pt-BR;q=1", "pt"),
    ],
)
def test_a_browser_gets_the_page_in_the_language_that_it_prefers(
    certificates: Certificates, accepted: str, language: str
) -> None:
    files = TrustFiles(certificates, DOORS).files()
    found = chosen(files, "/certificate", accepted)
    assert found is not None and found.language == language
    for each in Language:
        asked = chosen(files, f"/certificate/{each}", accepted)
        assert asked is not None and asked.language == each, "who asks for a language gets it"
    assert chosen(files, "/certificate/nl", accepted) is None and chosen(files, "/certificate/", accepted) is None


def test_the_page_says_what_to_compare_and_has_no_text_left_to_fill_in(certificates: Certificates) -> None:
    pages: list[PublicFile] = [file for file in TrustFiles(certificates, DOORS).files() if file.language]
    bodies = {page.body.decode() for page in pages}
    assert len(bodies) == len(Language)
    for body in bodies:
        assert certificates.authority().fingerprint() in body
        visible = body.partition("<main>")[2].partition("</main>")[0]
        assert "{" not in visible and "**" not in visible and "`" not in visible
