"""Updates that the node installs by itself: what is decided, what the owner chose, and what does it."""
