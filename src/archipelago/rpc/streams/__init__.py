"""What goes on after its request: events, logs and terminals."""
