"""Signed images, with the real cosign and a real registry: what is taken, and what is refused."""

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.harness import (
    RpcError,
    TestNode,
    free_port,
    has_image,
    podman,
    remove_leftovers,
    running_node,
    until_pruned,
)
from support.mini_sigstore import MiniSigstore
from support.signed_registry import SignedRegistry, signed_registry
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SIGSTORE = MiniSigstore()
WORKFLOW, ISSUER = "https://github.com/acme/tool/.github/workflows/release.yml", "https://token.example"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedRegistry]:
    """A registry that Podman and the node trust."""
    with signed_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(registry: SignedRegistry, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with a catalog that the tests fill."""
    remove_leftovers()
    root = tmp_path_factory.mktemp("sigstore") / "trusted_root.json"
    root.write_text(SIGSTORE.trusted_root())
    environment = {"ARCHIPELAGO_TRUSTED_ROOT": str(root)}
    async with running_node("signed", apps=tmp_path_factory.mktemp("catalog"), environment=environment) as running:
        yield running


def offer(
    node: TestNode, registry: SignedRegistry, app: str, reference: str, who: str | None, version: str = "1.0"
) -> None:
    """Put an app with a pulled image into the catalog, with somebody's public key or none."""
    assert node.apps is not None
    write_app(node.apps, app, version=version)
    manifest = node.apps / app / "manifest.yml"
    image = f"image: {reference}" + ("\n    signed_by: cosign.pub" if who else "")
    text = manifest.read_text().replace("build: {type: packages, packages: [busybox-static]}", image)
    manifest.write_text(text.replace("/usr/bin/busybox", "/bin/busybox"))
    if who:
        shutil.copy(registry.folder / f"{who}.pub", node.apps / app / "cosign.pub")


async def refusal(node: TestNode, app: str) -> str:
    """Install an app; return why that failed, and require that nothing of it is left."""
    ended = await node.ended(await node.call("container-install", app=app))
    assert ended["state"] == "failed" and ended["error"]["code"] == "image", ended
    assert app not in {each["app"] for each in await node.call("container-list")}
    newest = await node.call("audit-show", limit=5)
    assert any(one["action"] == "image-refuse" and one["subject"]["app"] == app for one in newest)
    return f"{ended['error']['message']} | {ended['error']['hint']}"


async def test_a_signed_image_is_taken_and_its_signer_remembered(node: TestNode, registry: SignedRegistry) -> None:
    reference = registry.publish("good/app")
    registry.sign(reference, "alice")
    offer(node, registry, "good", reference, "alice")
    plan = await node.call("container-install", app="good", dry_run=True)
    assert [fetch["signed"] for fetch in plan["asks"]["fetches"]] == [True]
    await node.install("good")
    (rule,) = (each for each in await node.call("signer-list") if each["publisher"] == f"{registry.host}/good")
    assert len(rule["signer"]) == 64


async def test_wrong_key_and_no_signature_are_refused(node: TestNode, registry: SignedRegistry) -> None:
    reference = registry.publish("wrong/app")
    offer(node, registry, "wrong", reference, "alice")
    assert "it is not signed" in await refusal(node, "wrong")
    registry.sign(reference, "bob")
    assert "another key made it" in await refusal(node, "wrong")
    assert not has_image(reference), "it was not even pulled"
    registry.sign(reference, "alice")
    await node.install("wrong")


async def test_a_signature_of_another_image_is_refused(node: TestNode, registry: SignedRegistry) -> None:
    signed, other = registry.publish("replay/app"), registry.publish("replay/app", "2")
    registry.sign(signed, "alice")
    tags = [f"sha256-{reference.rpartition(':')[2]}.sig" for reference in (signed, other)]
    links = [registry.link("replay/app", tag) for tag in tags]
    links[1].parent.mkdir(parents=True)
    shutil.copy(links[0], links[1])
    offer(node, registry, "replay", other, "alice")
    assert "it is about another image" in await refusal(node, "replay")


async def test_what_was_changed_in_the_registry_is_refused(node: TestNode, registry: SignedRegistry) -> None:
    reference = registry.publish("tampered/app")
    registry.sign(reference, "alice")
    offer(node, registry, "tampered", reference, "alice")
    digest = reference.rpartition("@")[2]
    tag = f"sha256-{digest.removeprefix('sha256:')}.sig"
    signature = json.loads(registry.blob(registry.link("tampered/app", tag).read_text()).read_text())
    payload = registry.blob(signature["layers"][0]["digest"])
    before = payload.read_bytes()
    payload.write_bytes(before.replace(b"tampered", b"somewher"))
    ended = await node.ended(await node.call("container-install", app="tampered"))
    assert ended["state"] == "failed" and "digest" in ended["error"]["message"], ended
    payload.write_bytes(before)
    manifest = registry.blob(digest)
    before = manifest.read_bytes()
    manifest.write_bytes(before.replace(b'"schemaVersion":2', b'"schemaVersion": 2'))
    ended = await node.ended(await node.call("container-install", app="tampered"))
    assert ended["state"] == "failed" and "digest" in ended["error"]["message"], ended
    manifest.write_bytes(before)
    await node.install("tampered")


async def test_a_tag_that_was_moved_changes_nothing(node: TestNode, registry: SignedRegistry) -> None:
    first, second = registry.publish("moved/app"), registry.publish("moved/app")
    assert first != second and first.partition("@")[0] == second.partition("@")[0]
    registry.sign(first, "alice")
    offer(node, registry, "moved", first, "alice")
    await node.install("moved")
    label = podman("inspect", "--format", '{{index .Config.Labels "number"}}', "archipelago-moved--main")
    assert label == str(registry.images - 1)
    offer(node, registry, "tagged", first.partition("@")[0], "alice")
    with pytest.raises(RpcError) as refused:
        await node.call("container-install", app="tagged")
    assert refused.value.data["name"] in ("invalid-manifest", "unknown-app")
    shutil.rmtree(Path(str(node.apps)) / "tagged")


async def test_another_signer_needs_the_owners_consent(node: TestNode, registry: SignedRegistry) -> None:
    references = [registry.publish("changing/app", tag) for tag in ("1", "2", "3")]
    for reference, who in zip(references, ("alice", "bob", None), strict=True):
        if who:
            registry.sign(reference, who)
    offer(node, registry, "changing", references[0], "alice")
    await node.install("changing")
    running = podman("inspect", "--format", "{{.State.StartedAt}}", "archipelago-changing--main")
    for reference, who, version in ((references[1], "bob", "2.0"), (references[2], None, "3.0")):
        offer(node, registry, "changing", reference, who, version)
        ended = await node.ended(await node.call("container-update", app="changing"))
        assert ended["state"] == "failed" and "until now" in ended["error"]["message"], ended
        assert not has_image(reference)
        assert podman("inspect", "--format", "{{.State.StartedAt}}", "archipelago-changing--main") == running
        publisher, signer = ended["error"]["hint"].split("signer accept ")[1].split("'")[0].split()
        await node.call("signer-accept", publisher=publisher, signer=signer)
        await node.done(await node.call("container-update", app="changing"))
        running = podman("inspect", "--format", "{{.State.StartedAt}}", "archipelago-changing--main")
    assert (await node.call("container-status", app="changing"))["version"] == "3.0"


async def test_what_is_in_an_image_is_known_and_what_an_update_changes(node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "known", packages="busybox-static, zlib1g")
    await node.install("known")
    document = await node.call("sbom", app="known")
    found = {part["name"]: part["purl"] for part in document["components"]}
    assert document["bomFormat"] == "CycloneDX" and {"busybox-static", "zlib1g", "base-files"} <= set(found)
    assert found["zlib1g"].startswith("pkg:deb/debian/zlib1g@1")
    assert await node.call("sbom-changes", app="known") == []
    write_app(node.apps, "known", packages="busybox-static, libbz2-1.0", version="2.0")
    ended = await node.done(await node.call("container-update", app="known"))
    assert any("1 new, 1 gone" in (step["detail"] or "") for step in ended["steps"]), ended["steps"]
    changes = {each["name"]: (each["before"], each["after"]) for each in await node.call("sbom-changes", app="known")}
    assert set(changes) == {"zlib1g", "libbz2-1.0"}
    assert changes["zlib1g"][1] is None and changes["libbz2-1.0"][0] is None
    with pytest.raises(RpcError):
        await node.call("sbom", app="known", container="../x")
    image = podman("inspect", "--format", "{{.Image}}", "archipelago-known--main")
    await node.done(await node.call("container-remove", app="known", delete_data=True))
    await until_pruned(image)  # what a test does to images by hand, it does alone
    assert not (node.root / "apps" / "known" / "sbom").exists()


async def test_a_registry_may_be_told_to_have_signed_images_alone(node: TestNode, registry: SignedRegistry) -> None:
    await node.call("signer-accept", publisher=registry.host, signer="any")
    try:
        offer(node, registry, "unsigned", registry.publish("unsigned/app"), None)
        assert "must be signed" in await refusal(node, "unsigned")
    finally:
        await node.call("signer-forget", publisher=registry.host)
    await node.install("unsigned")
    for signer in ("", "abc", "A" * 64, "../../x"):
        with pytest.raises(RpcError):
            await node.call("signer-accept", publisher=registry.host, signer=signer)


async def test_a_registry_that_is_gone_is_a_clear_error(node: TestNode, registry: SignedRegistry) -> None:
    reference = registry.publish("gone/app").replace(registry.host, f"localhost:{free_port()}")
    offer(node, registry, "gone", reference, "alice")
    ended = await node.ended(await node.call("container-install", app="gone"))
    assert ended["state"] == "failed" and "cannot be asked for signatures" in ended["error"]["message"]


async def test_an_identity_signs_without_a_key_and_another_one_does_not(
    node: TestNode, registry: SignedRegistry
) -> None:
    assert node.apps is not None
    reference = registry.publish("keyless/app")
    offer(node, registry, "keyless", reference, "alice")
    manifest = node.apps / "keyless" / "manifest.yml"
    named = f"signed_by_identity: {{identity: '{WORKFLOW}', issuer: '{ISSUER}'}}"
    manifest.write_text(manifest.read_text().replace("signed_by: cosign.pub", named))
    assert "it is not signed" in await refusal(node, "keyless")
    digest = reference.rpartition("@")[2]
    registry.attach(reference, SIGSTORE.sign(digest, "https://github.com/evil/tool/x.yml@refs/tags/v1", ISSUER))
    assert "github.com/evil" in await refusal(node, "keyless")
    registry.attach(reference, MiniSigstore().sign(digest, f"{WORKFLOW}@refs/tags/v1", ISSUER))
    assert "does not hold" in await refusal(node, "keyless")
    assert not has_image(reference)
    registry.attach(reference, SIGSTORE.sign(digest, f"{WORKFLOW}@refs/tags/v1", ISSUER))
    await node.install("keyless")
    (rule,) = (each for each in await node.call("signer-list") if each["publisher"] == f"{registry.host}/keyless")
    assert rule["signer"] == f"sigstore:{WORKFLOW} ({ISSUER})"
    await node.call("signer-accept", publisher=f"{registry.host}/keyless", signer=rule["signer"])
    (report,) = (each for each in await node.call("security-report") if each["app"] == "keyless")
    assert report["images"][0]["signer"] == rule["signer"]
