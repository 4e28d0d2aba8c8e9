"""What makes routes to apps: one module for each kind."""
