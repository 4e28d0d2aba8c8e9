"""A small program in the service user's user namespace; `program` makes one text of its modules."""
