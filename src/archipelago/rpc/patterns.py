"""What the patterns of parameters ask for, in words."""

from collections.abc import Mapping

from archipelago.container.manifest.yaml.explain import PATTERNS as _OF_MANIFESTS

PATTERNS: Mapping[str, str] = {
    **_OF_MANIFESTS,
    r"^[0-9a-f]{16}$": "an id as the list shows it: 16 digits and letters from a to f",
    r"^[^\x00-\x1f\x7f]{1,64}$": "one line of 1 to 64 characters",
    r"^[0-9TZ.-]+$": "the time of a copy as the list shows it, such as '2026-01-31T120000Z'",
    r"^[a-z-]+:[A-Za-z0-9_.-]+$": "an id as the list shows it, such as 'doctor:disk'",
    r"^[A-Za-z0-9_-]+$": "an id as the list shows it: letters, digits, '-' and '_'",
    r"^[a-z0-9][a-z0-9:._-]*$": "lower case letters, digits, ':', '.', '_' and '-', a letter or digit first",
    r"^[a-z][a-z0-9-]{0,31}$": "lower case letters, digits and hyphens, 32 at most, a letter first",
    r"^[a-z0-9][a-z0-9.:_-]*(/[a-z0-9][a-z0-9._-]*)?$": "a registry, or one of its publishers, such as 'ghcr.io/acme'",
}
