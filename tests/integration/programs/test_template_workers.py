"""Templates that hang, or that want all memory, end in a process of their own, and delay nobody."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from archipelago.container.workload.templates.faults import Fault
from archipelago.container.workload.templates.renderer import AppRenderer, Renderer, TemplateError, TemplateJob
from archipelago.container.workload.templates.workers import TemplateWorkers

HANG = "{% for i in range(9999) %}\n{% if l | select | map('string') | map('upper') | list %}{% endif %}{% endfor %}"
LIST = {"l": list(range(9999))}
LITTLE = 0.3
"""Seconds of CPU time that the templates of an app get here, instead of one."""


@pytest.fixture(scope="module")
def workers() -> Iterator[TemplateWorkers]:
    """Return the processes."""
    workers = TemplateWorkers()
    yield workers
    workers.close()


@pytest.fixture
def renderer(workers: TemplateWorkers) -> Renderer:
    """Return a renderer as the daemon has it."""
    return Renderer(workers)


@pytest.fixture
def hurried(renderer: Renderer) -> AppRenderer:
    """Return a renderer for an app that gets little time."""
    return AppRenderer(renderer, _seconds_left=LITTLE)


@pytest.mark.parametrize(
    "source",
    [
        HANG,
        "{% for i in range(9999) %}\n{{ range(9999) | map('string') | select | list | length }}{% endfor %}",
        "{% for i in range(9999) %}\n" + "{% set x = l[:] %}" * 500 + "{% endfor %}",
        "{% for i in range(9999) %}\n" + "{% if 'x' in l %}{% endif %}" * 500 + "{% endfor %}",
        "{% for i in range(9999) %}\n{% set s = l | sort | unique | list | sort | reverse | list %}{% endfor %}",
    ],
)
@pytest.mark.timeout(100)
def test_a_template_that_would_take_minutes_ends_and_its_line_is_told(workers: TemplateWorkers, source: str) -> None:
    with pytest.raises(Fault, match=r"more than 0\.3 s of processor time; loop over less") as caught:
        workers.render(TemplateJob(source, {}, LIST), LITTLE)
    # Jinja2 tells the line of a loop or of what is in it.
    assert caught.value.line in (1, 2)


def test_an_error_names_the_app_the_key_and_the_line(hurried: AppRenderer) -> None:
    with pytest.raises(TemplateError, match="processor time") as caught:
        hurried.inline("apps/x: containers.main.command", HANG, LIST)
    assert caught.value.message.startswith("apps/x: containers.main.command, line 2: ")


@pytest.mark.parametrize(
    "source",
    [
        "{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = [n.x, (t ~ i) | list] %}{% endfor %}",
        "{{ t | list | map('upper') | map('list') | list | length }}",
        "{% set n = namespace(x=[]) %}{% for i in range(900) %}{% set n.x = n.x + [t | list] %}{% endfor %}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ ['a'] | join('x' * 999999999) }}",
        "{{ 'x' | center(999999999) }}",
        "{{ 'x'.ljust(999999999) }}",
        "{% macro m(a) %}{{ m(a ~ a) }}{% endmacro %}{{ m('aaaaaaaa') }}",
        "{% include 'a.j2' %}",
    ],
)
@pytest.mark.timeout(100)
def test_a_template_that_wants_all_memory_ends(renderer: Renderer, source: str) -> None:
    before = _peak()
    with pytest.raises(TemplateError) as caught:
        renderer.file("apps/x/a.j2", "a.j2", {"a.j2": source.encode()}, {"t": "ab" * 500_000})
    assert caught.value.where == "apps/x/a.j2"
    assert _peak() - before < 64 * 1024, "KiB: it was not this process that took the memory"
    assert renderer.inline("apps/y", "{{ range(3) | join }}", {}) == "012", "the next one is rendered"


def test_one_that_hangs_delays_no_other(renderer: Renderer) -> None:
    renderer.inline("apps/y", "{{ range(3) | join }}", {})
    hanging = threading.Event()

    def hang() -> str:
        hanging.set()
        with pytest.raises(TemplateError) as caught:
            renderer.inline("apps/x", HANG, LIST)
        return str(caught.value)

    with ThreadPoolExecutor() as pool:
        ended = pool.submit(hang)
        hanging.wait()
        for source in ("{{ 1 + 1 }}", "{% for x in l %}{{ x }}{% endfor %}"):
            renderer.inline("apps/y", source, {"l": [1, 2]})
        assert not ended.done()
        assert renderer.inline("apps/y", "{{ range(3) | join }}", {}) == "012"
        assert "processor time" in ended.result()


def test_the_templates_of_one_app_share_its_time(hurried: AppRenderer) -> None:
    for number in range(30):
        with pytest.raises(TemplateError, match="processor time"):
            hurried.inline(f"apps/x: {number}", HANG, LIST)
    assert LITTLE - hurried._seconds_left < 3 * LITTLE, "what they took together"


def test_a_process_that_was_killed_is_replaced(workers: TemplateWorkers, renderer: Renderer) -> None:
    renderer.inline("x", "{{ range(3) | join }}", {})
    for worker in workers._idle:
        os.kill(worker._process.pid, signal.SIGKILL)
        worker._process.wait()
    assert renderer.inline("x", "{{ range(3) | join }}", {}) == "012"


def test_a_process_that_others_killed_does_not_make_the_template_faulty(workers: TemplateWorkers) -> None:
    with ThreadPoolExecutor() as pool:
        workers.render(TemplateJob("{{ range(3) | join }}", {}, {}), 1.0)
        worker = workers._idle[-1]
        rendering = pool.submit(workers.render, TemplateJob(HANG, {}, LIST), 60.0)
        while not worker.tired:
            assert not rendering.done()
        os.kill(worker._process.pid, signal.SIGKILL)
        with pytest.raises(Fault, match="ended with -9") as caught:
            rendering.result()
    assert caught.value.passing


def test_the_limit_of_a_process_is_a_fault_of_the_template(workers: TemplateWorkers) -> None:
    workers.render(TemplateJob("{{ range(3) | join }}", {}, {}), 1.0)
    worker = workers._idle[-1]
    os.kill(worker._process.pid, signal.SIGXCPU)
    with pytest.raises(Fault, match="too much processor time") as caught:
        worker.render(TemplateJob("{{ range(3) | join }}", {}, {}), 1.0)
    worker.close()
    assert not caught.value.passing


def test_nothing_is_left_after_the_end() -> None:
    workers = TemplateWorkers()
    workers.render(TemplateJob("{{ range(3) | join }}", {}, {}), 1.0)
    processes = [worker._process for worker in workers._idle]
    workers.close()
    assert processes and all(process.returncode is not None for process in processes)


def _peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
