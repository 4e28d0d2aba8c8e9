"""What is done as root of the service user's user namespace."""
