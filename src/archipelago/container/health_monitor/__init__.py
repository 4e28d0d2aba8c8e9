"""Probes of running containers."""
