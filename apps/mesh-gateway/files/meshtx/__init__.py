"""Signed Bitcoin transactions over a mesh of radios: sender and gateway.

`erasure`, `frames`, `airtime`, `rates`, `reassembly`, `gateway` and `delivery` are pure: they know no network and no
clock.
"""
