"""The states of apps in words, as parts of sentences."""

from collections.abc import Mapping

from archipelago.api.health import HealthState
from archipelago.support.texts.text import msg

STATES: Mapping[HealthState, str] = {
    HealthState.STARTING: msg("starting"),
    HealthState.SYNCING: msg("syncing"),
    HealthState.HEALTHY: msg("healthy"),
    HealthState.UNHEALTHY: msg("unhealthy"),
    HealthState.BACKING_OFF: msg("backing-off"),
    HealthState.WAITING: msg("waiting"),
    HealthState.STOPPING: msg("stopping"),
    HealthState.STOPPED: msg("stopped"),
    HealthState.FAILED: msg("failed"),
}
"""The same words as the states' own names."""
