"""Python packages of an image: downloaded by hash, checked, and installed, without executing anything of them here."""
