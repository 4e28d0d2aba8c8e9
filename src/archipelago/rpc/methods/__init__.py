"""The methods of the RPC, a module for each family."""
