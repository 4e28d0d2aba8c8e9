"""The built page in a browser, in front of a node whose answers and clock stand still: its pictures can be compared."""
