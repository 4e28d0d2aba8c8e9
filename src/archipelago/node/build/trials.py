"""Builds what runs scratch copies of apps for a trial."""

from collections.abc import Mapping

from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.operations.trial.scratch import ComposerAt, Scratch
from archipelago.container.operations.trial.trial_runs import TrialRuns
from archipelago.node.build.limits import HostLimits
from archipelago.node.build.podman import PodmanHost
from archipelago.node.build.storage import Storage
from archipelago.node.resource_guard import host_room
from archipelago.performance import host
from archipelago.performance.resource_manager.budgets import ContainerBudget, budgets, container_budgets


def trial_runs(
    storage: Storage,
    podman: PodmanHost,
    images: ImageStore,
    limits: HostLimits,
    composer_at: ComposerAt,
) -> TrialRuns:
    """Return what runs them; each is compiled by what `composer_at` returns for its app."""
    layout = storage.config.layout

    def shares(manifest: AppManifest) -> Mapping[str, ContainerBudget]:
        budget = budgets(podman.facts, {manifest.id: manifest}, (), limits.own.all)[manifest.id]
        return container_budgets(manifest, budget)

    return TrialRuns(
        Scratch(layout, podman.namespace, composer_at),
        podman.client,
        podman.namespace,
        images,
        storage.state,
        storage.node_id,
        host.static_shell(),
        storage.secrets.redactor.redact,
        limits.pauses.require_room,
        lambda: host.memory()[1],
        shares,
        lambda: host_room(storage.config.root),
    )
