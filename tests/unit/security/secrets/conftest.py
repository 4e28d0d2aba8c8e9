"""The tests of secrets make many small steps in files and databases, and none waits within a thread."""

from support.one_thread_loop import pytest_asyncio_loop_factories  # noqa: F401 - pytest finds it here
