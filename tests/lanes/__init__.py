"""The suite in several lanes: pytest processes side by side, each in an instance of its own, and one that tells of all.

`scripts/test` starts them; for `pytest tests/unit` they are `forks`. A lane takes a module of tests at a time, until
none is left, and writes what came of each test into a file; the process without a lane reads these files and reports
what they say as if it had run the tests.
"""
