"""What one does on each kind of device to trust the node's certificate authority. Pure."""

from archipelago.api.trust import TrustDevice, TrustSteps
from archipelago.support.texts.text import msg

PLACE = "/certificate"
"""Path of the guide's page; the files are below it."""
PEM_FILE = "archipelago-ca.crt"
DER_FILE = "archipelago-ca.cer"
PROFILE_FILE = "archipelago-ca.mobileconfig"
PROBE = f"{PLACE}/trusted"
"""What a browser fetches by HTTPS to learn whether it trusts the node."""


def trust_steps(authority: str) -> tuple[TrustSteps, ...]:
    """Return the steps for each kind of device; `authority` is what devices call the node's authority."""
    return (_ios(authority), _android(authority), _windows(), _macos(authority), _linux(), _firefox())


def _ios(authority: str) -> TrustSteps:
    return TrustSteps(
        device=TrustDevice.IOS,
        name="iPhone, iPad",
        file=PROFILE_FILE,
        steps=(
            msg("Download the profile in Safari, and choose **Allow**"),
            msg("Open **Settings → General → VPN & Device Management**, and choose **{name}**", name=authority),
            msg("Under **More Details**, choose the certificate, and compare its SHA-256 with the one here"),
            msg("Go back, and choose **Install**. It says “not signed”, since nobody but you vouches for your node"),
            msg(
                "Open **Settings → General → About → Certificate Trust Settings**, and turn on **{name}**",
                name=authority,
            ),
        ),
    )


def _android(authority: str) -> TrustSteps:
    return TrustSteps(
        device=TrustDevice.ANDROID,
        name="Android",
        file=PEM_FILE,
        steps=(
            msg("Download the certificate"),
            msg("Open **Settings**, search it for **CA certificate**, and choose it"),
            msg("Choose **Install anyway**, and the file {file}", file=f"`{PEM_FILE}`"),
            msg(
                "Search the settings for **Trusted credentials**, open **User**, choose **{name}**, and compare "
                "its SHA-256 with the one here",
                name=authority,
            ),
            msg("Some apps take no certificate but those that Android came with; browsers take it"),
        ),
    )


def _windows() -> TrustSteps:
    return TrustSteps(
        device=TrustDevice.WINDOWS,
        name="Windows",
        file=DER_FILE,
        steps=(
            msg("Download the certificate, and open the file"),
            msg("Choose **Install Certificate**, then **Current User**"),
            msg(
                "Choose **Place all certificates in the following store**, then **Browse**, and "
                "**Trusted Root Certification Authorities**"
            ),
            msg("Windows asks, and shows a thumbprint: compare it with the SHA-1 here, and choose **Yes**"),
            msg("Close all windows of your browser, and open it again"),
        ),
    )


def _macos(authority: str) -> TrustSteps:
    return TrustSteps(
        device=TrustDevice.MACOS,
        name="Mac",
        file=DER_FILE,
        steps=(
            msg("Download the certificate, and open the file. Add it to the keychain **login**"),
            msg("Search **Keychain Access** for **{name}**, and open it", name=authority),
            msg("Under **Details**, compare its SHA-256 with the one here"),
            msg(
                "Under **Trust**, set **When using this certificate** to **Always Trust**, close the window, and "
                "enter your password"
            ),
            msg("Close all windows of your browser, and open it again"),
        ),
    )


def _linux() -> TrustSteps:
    return TrustSteps(
        device=TrustDevice.LINUX,
        name="Linux",
        file=PEM_FILE,
        steps=(
            msg("Download the certificate"),
            msg(
                "Compare the SHA-256 that this command shows with the one here: {command}",
                command=f"`openssl x509 -in {PEM_FILE} -noout -fingerprint -sha256`",
            ),
            msg(
                "Chrome, Chromium and the like: open {place}, choose **Local certificates → Installed by you**, "
                "and import the file under **Trusted certificates**",
                place="`chrome://certificate-manager`",
            ),
            msg(
                "Programs on Debian and Ubuntu: {command}",
                command=f"`sudo cp {PEM_FILE} /usr/local/share/ca-certificates/ && sudo update-ca-certificates`",
            ),
            msg("Programs on Fedora and Arch: {command}", command=f"`sudo trust anchor {PEM_FILE}`"),
        ),
    )


def _firefox() -> TrustSteps:
    return TrustSteps(
        device=TrustDevice.FIREFOX,
        name="Firefox",
        file=PEM_FILE,
        steps=(
            msg("On Windows, Mac and Android, Firefox can trust what the device trusts: do that first"),
            msg(
                "On Android, open **Settings → About Firefox**, and touch its mark five times. Then turn on "
                "**Settings → Secret Settings → Use third party CA certificates**"
            ),
            msg(
                "On Linux, download the certificate, and open **Settings → Privacy & Security → View Certificates "
                "→ Authorities → Import**"
            ),
            msg("Choose **View**, and compare the SHA-256 with the one here"),
            msg("Turn on **Trust this CA to identify websites**, and choose **OK**"),
        ),
    )
