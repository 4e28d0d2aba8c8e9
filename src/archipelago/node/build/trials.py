"""Builds what runs scratch copies of apps for a trial."""

from collections.abc import Callable

from archipelago.container.images.store import ImageStore
from archipelago.container.operations.trial.scratch import ComposerAt, Scratch
from archipelago.container.operations.trial.trial_runs import TrialRuns
from archipelago.node.build.podman import PodmanHost
from archipelago.node.build.storage import Storage
from archipelago.performance import host


def trial_runs(
    storage: Storage,
    podman: PodmanHost,
    images: ImageStore,
    require_room: Callable[[], None],
    composer_at: ComposerAt,
) -> TrialRuns:
    """Return what runs them; each is compiled by what `composer_at` returns for its app."""
    layout = storage.config.layout
    return TrialRuns(
        Scratch(layout, podman.namespace, composer_at),
        podman.client,
        podman.namespace,
        images,
        storage.state,
        storage.node_id,
        host.static_shell(),
        storage.secrets.redactor.redact,
        require_room,
        lambda: host.memory()[1],
    )
