"""When the apps that an operation touched are ready."""
