"""Backups of apps in restic repositories: where they are, what is in them, and how it comes back."""
