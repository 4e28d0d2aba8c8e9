"""The program restic: how it is called, and what it says."""
