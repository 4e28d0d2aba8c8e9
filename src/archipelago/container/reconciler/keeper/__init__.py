"""Keeps one app: looks, takes the steps that `reconciler/step` chooses, and reports what becomes of it."""
