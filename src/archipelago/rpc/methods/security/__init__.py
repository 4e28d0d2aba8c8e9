"""Methods about secrets, signatures and the audit log."""
