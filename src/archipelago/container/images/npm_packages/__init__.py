"""Packages of npm's registry: fetched by the hashes of a lock file, and unpacked without executing anything."""
