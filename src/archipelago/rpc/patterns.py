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
    r"^[A-Za-z0-9_-]{1,64}$": "1 to 64 letters, digits, '-' and '_'",
    r"^[\x21-\x7e]{1,2000}$": "a URL of at most 2000 characters, without spaces",
    r"^[^\x00-\x1f\x7f]{0,200}$": "one line of at most 200 characters",
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[^@]{1,253}$": "an e-mail address",
    r"^[a-z0-9][a-z0-9.:_-]*(/[a-z0-9][a-z0-9._-]*)?$": "a registry, or one of its publishers, such as 'ghcr.io/acme'",
    r"^[a-z0-9][a-z0-9-]{0,39}$": "lower case letters, digits and hyphens, 40 at most, no hyphen first",
    r"^[0-9a-f]{8,64}$": "the start of an id as the list shows it: 8 to 64 digits and letters from a to f",
    r"^[^\x00-\x1f\x7f]{2,400}$": "one line of 2 to 400 characters",
    r"^[^\x00-\x1f\x7f:@/]{0,100}$": "a login of at most 100 characters, without ':', '@' and '/'",
    r"^[\x21-\x7e]{1,200}$": "1 to 200 characters without spaces",
    r"^[^\x00-\x1f\x7f]{1,1000}$": "one line of 1 to 1000 characters",
    r"^[^\x00-\x1f\x7f]{0,4000}$": "one line of at most 4000 characters",
    r"^/[^\x00-\x1f\x7f]{1,400}$": "the whole path of a folder",
    r"^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]{40,1500}$": "a host key as 'backup-ssh' returns it",
    r"^[^-]": "a text that does not start with '-'",
    r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$": "1 to 64 letters, digits, '_', '.' and '-', no '.' or '-' first",
    r"^[^\x00-\x1f\x7f~-][^\x00-\x1f\x7f]{0,399}$": "the path of a folder, without '~' or '-' in front",
    r"^[A-Za-z0-9_]{1,60}$": "1 to 60 letters, digits and '_'",
    r"^[^\x00-\x1f\x7f]{0,400}$": "one line of at most 400 characters",
    r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$": "1 to 40 letters, digits, spaces, '.', '_' and '-', a letter or digit first",
    r"^https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?$": "an origin, such as 'http://specter.localhost:8481'",
    r"^[A-Za-z0-9_-]{16,64}$": "what the node has put into the address: letters, digits, '-' and '_'",
    r"^[0-9a-f]{4,64}$": "the start of an id as the list shows it: 4 to 64 digits and letters from a to f",
}
