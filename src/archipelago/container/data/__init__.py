"""The volumes of apps: whether they are those that the node made, and what becomes of them."""
