"""Commands about accounts, secrets, signatures and the audit log."""
