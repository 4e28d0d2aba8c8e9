"""Answers a browser as the node of a scene would, and serves it the built page."""

import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.streams.websocket import LOGGED_OUT
from support.stage.app_page import log_of
from support.stage.scene import NOW, Answer, Scene, as_json

_PACKED = {".br", ".gz"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request gets."""

    body: bytes = b""
    kind: str = "application/octet-stream"
    status: int = 200
    lasting: bool = False
    """Whether it never changes, so that a browser need not ask for it again."""

    @property
    def headers(self) -> dict[str, str]:
        """Its type, and how long a browser may keep it."""
        kept = "public, max-age=31536000, immutable" if self.lasting else "no-store"
        return {"Content-Type": self.kind, "Cache-Control": kept}


class Line(Protocol):
    """A WebSocket of a tab."""

    async def close(self, *, code: int = 1000) -> Any: ...


@cache
def built_page(folder: Path) -> Mapping[str, Reply]:
    """Return the files of the page that was built there, by their addresses."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in _PACKED)
    return {
        f"/{path.relative_to(folder)}": Reply(
            path.read_bytes(),
            mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            lasting=path.parent.name == "assets",
        )
        for path in files
    }


class Stage:
    """A node with fixed answers; `missing` has the methods that the scene had no answer to."""

    def __init__(
        self, folder: Path, scene: Scene, *, theme: str = "light", language: str = "en", entered: bool = True
    ) -> None:
        self.scene = scene
        self.missing: set[str] = set()
        self.reachable = True
        self.lines: set[Line] = set()
        self._page = built_page(folder)
        self._logged_out = False
        self._answers: tuple[Scene, Mapping[str, Answer]] = (scene, scene.answers())
        self._kept = {"archipelago-theme": theme, "archipelago-language": language}
        if entered:
            self._kept["archipelago-session"] = "secret"

    @property
    def memory(self) -> str:
        """The script that has a tab remember who is there, and what they chose."""
        return f"Object.assign(localStorage, {json.dumps(self._kept)})"

    async def go_away(self) -> None:
        """Leave the tab without a node, as a machine that is switched off does."""
        self.reachable = False
        for line in tuple(self.lines):
            await line.close()

    async def log_out(self) -> None:
        """End the session of the tab."""
        self._logged_out = True
        for line in tuple(self.lines):
            await line.close(code=LOGGED_OUT)

    def reply(self, path: str, body: str, *, fetched: bool) -> Reply | None:
        """Return what a request gets, or None where there is no node; a script has `fetched` it, or the browser has."""
        if path.startswith("/icons/"):
            return self._icon(path.rpartition("/")[2])
        if path.startswith("/screenshots/"):
            return self._screenshot(*path.split("/")[-2:])
        if not self.reachable and fetched:
            return None
        if path == "/rpc/v1":
            return self._result(json.loads(body))
        return self._page.get(path, self._page["/index.html"])

    def heard(self, message: str) -> list[str]:
        """Return what the node sends when it hears this on a WebSocket."""
        asked = json.loads(message)
        key, params = asked["id"], asked.get("params", {})
        lines = log_of(params["app"], NOW) if params.get("kind") == "logs" else ()
        told = [{"subscription": key, "log": line.model_dump(mode="json")} for line in lines]
        return [
            json.dumps({"jsonrpc": "2.0", "id": key, "result": {"subscription": key}}),
            *(json.dumps({"jsonrpc": "2.0", "method": "log", "params": each}) for each in told),
        ]

    def _icon(self, app: str) -> Reply:
        player = self.scene.players.get(app)
        return Reply(status=404) if player is None else Reply(player.icon, "image/svg+xml")

    def _screenshot(self, app: str, name: str) -> Reply:
        picture = self.scene.players[app].picture(name)
        return Reply(picture, "image/png" if picture.startswith(b"\x89PNG") else "image/svg+xml")

    def _result(self, asked: dict[str, Any]) -> Reply:
        answer = {"jsonrpc": "2.0", "id": asked["id"], **self.call(asked["method"], asked.get("params") or {})}
        return Reply(json.dumps(answer).encode(), "application/json")

    def call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the answer, or the error, of a method."""
        if self._logged_out:
            told = {"name": ErrorCode.LOGIN_NEEDED, "hint": "log in"}
            return {"error": {"code": -32000, "message": "log in first", "data": told}}
        if self._answers[0] is not self.scene:
            self._answers = (self.scene, self.scene.answers())
        answers = self._answers[1]
        if method not in answers:
            self.missing.add(method)
            return {"error": {"code": -32601, "message": f"the scene has no answer to {method}"}}
        answer = answers[method]
        try:
            value = answer(params) if callable(answer) else answer
        except NodeError as error:
            told = {"name": error.code, "hint": error.hint}
            return {"error": {"code": -32000, "message": error.message, "data": told}}
        return {"result": as_json(method, value)}
