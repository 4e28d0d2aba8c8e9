"""What the state database holds, as values of storage's own."""
