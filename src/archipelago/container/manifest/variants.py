"""What a manifest says while its app has certain options. Pure."""

from collections.abc import Iterator, Mapping

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.interfaces import Required
from archipelago.container.manifest.model.scalars import Key, Name, Scalar
from archipelago.container.manifest.options import effective_options, have_values
from archipelago.container.manifest.yaml.tree import Path


def in_force(manifest: AppManifest, options: Mapping[Key, Scalar]) -> AppManifest:
    """Return the manifest as it is while the owner's options are these: without variants, that which applies merged in.

    A manifest without variants is returned itself. Names that are no options of the app are ignored.
    """
    if not manifest.variants:
        return manifest
    values = effective_options(manifest, options, {})
    found = next((each for each in manifest.variants if have_values(values, each.when)), None)
    changed = {} if found is None else {"egress": found.egress, "requires": {**manifest.requires, **found.requires}}
    return manifest.model_copy(update={**changed, "variants": ()})


def requirements(manifest: AppManifest) -> Iterator[tuple[Path, Mapping[Name, Required]]]:
    """Yield what an app requires, always and by variant, with the place in its manifest."""
    yield ("requires",), manifest.requires
    for index, each in enumerate(manifest.variants):
        yield ("variants", index, "requires"), each.requires
