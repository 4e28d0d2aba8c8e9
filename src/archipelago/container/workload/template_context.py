"""What the templates of an app see, and what its interfaces give to consumers. Pure."""

from typing import Any

from archipelago.chains.registry import chain_with_login
from archipelago.container.dependency_resolver.asks import memory_limit
from archipelago.container.manifest.model.containers import Container
from archipelago.container.manifest.model.interfaces import Credentials
from archipelago.container.manifest.model.probes import ChainProbe
from archipelago.container.manifest.model.scalars import is_one_line
from archipelago.container.workload.chain_cache import chain_cache
from archipelago.container.workload.inputs import AppInput, Site
from archipelago.container.workload.templates.renderer import REVEALED, AppRenderer, Renderer, SecretDisplay
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

Templates = Renderer | AppRenderer
_MAX_EXPORT = 4096
_WORDS = {Credentials.MACAROON: "macaroon"}
"""What consumers call what they identify themselves with, where it is no password."""


def context(given: AppInput, site: Site, container: Container, shown: SecretDisplay | None) -> dict[str, Any]:
    """Return what templates see; `shown` is None where secrets must not appear at all."""
    manifest = given.package.manifest
    requires: dict[str, Any] = dict.fromkeys(manifest.requires)
    for binding in given.bindings:
        provided = binding.provider.provides[binding.edge.interface]
        requires[binding.edge.interface] = {
            "app": binding.provider.id,
            "host": binding.edge.interface,
            "port": provided.port,
            "version": provided.version or binding.provider.version,
            "exports": dict(binding.exports),
            "user": manifest.id,
            **(
                {_WORDS.get(provided.credentials, "password"): shown.text(binding.credential)}
                if shown and binding.credential
                else {}
            ),
        }
    consumers: dict[str, list[dict[str, str]]] = {interface: [] for interface in manifest.provides}
    for consumer in sorted(given.consumers, key=lambda each: each.app):
        entry = {"app": consumer.app, "user": consumer.app}
        if shown and consumer.credential:
            chain = chain_with_login(manifest.provides[consumer.interface].credentials, site.chains)
            # Who takes macaroons needs to know of none.
            if chain is not None:
                entry |= chain.credentials(consumer.app, shown.text(consumer.credential), consumer.role)
        consumers[consumer.interface].append(entry)
    # What is hashed knows neither the owner's limit nor the phase of a chain: what runs must not restart for them.
    memory = container.resources.memory
    if given.memory is not None and shown is REVEALED:
        memory = memory * given.memory // memory_limit(manifest)
    context: dict[str, Any] = {
        "app": {"id": manifest.id, "version": manifest.version},
        "options": dict(given.options),
        "host": {"memory": site.host.memory, "cores": site.host.cores, "arch": site.host.architecture.value},
        "container": {"memory": memory},
        "requires": requires,
        "consumers": consumers,
    }
    if container.health is not None and isinstance(container.health.probe, ChainProbe):
        downloading = given.downloading and shown is REVEALED
        cache = chain_cache(site.host.memory, memory, container.stop.grace, downloading=downloading)
        context["chain"] = {"cache": cache.chosen, "most_cache": cache.most}
    if shown:
        context["secrets"] = {key: shown.text(secret) for key, secret in given.secrets.items()}
    return context


def exports(given: AppInput, interface: str, renderer: Templates) -> dict[str, str]:
    """Return the further values that an interface gives its consumers.

    They are rendered from the provider's options, and from what the apps that it uses export.
    """
    manifest = given.package.manifest
    context = {
        "app": {"id": manifest.id, "version": manifest.version},
        "options": dict(given.options),
        "requires": {each.edge.interface: {"exports": dict(each.exports)} for each in given.bindings},
    }
    found = {}
    for key, text in manifest.provides[interface].exports.items():
        where = f"apps/{manifest.id}: provides.{interface}.exports.{key}"
        value = found[key] = renderer.inline(where, text, context)
        # Consumers write it into their configuration, and must be able to rely on what it is.
        if len(value) > _MAX_EXPORT or not is_one_line(value):
            raise NodeError(
                ErrorCode.INVALID_MANIFEST,
                msg(
                    "{where}: the value is longer than one line of {longest} characters",
                    where=where,
                    longest=_MAX_EXPORT,
                ),
                hint=msg("the app's author must take line breaks and control characters out of it"),
            )
    return found
