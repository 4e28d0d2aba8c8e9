"""The stores of the state database, one for each kind of record."""
