"""Puts the built page on a browser's tab, and answers it as the node of a scene would."""

import json
import mimetypes
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route, WebSocketRoute

from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.streams.websocket import LOGGED_OUT
from support.stage.app_page import log_of
from support.stage.scene import NOW, Scene, as_json

ORIGIN = "http://localhost:8480"
_OFFLINE = "addressunreachable"


class Stage:
    """A tab that asks a node with fixed answers; `missing` has the methods that the scene had no answer to."""

    def __init__(
        self,
        folder: Path,
        scene: Scene,
        *,
        theme: str = "light",
        language: str = "en",
        entered: bool = True,
        origin: str = ORIGIN,
    ) -> None:
        self.folder = folder
        self.scene = scene
        self.origin = origin
        self.missing: set[str] = set()
        self.reachable = True
        self._logged_out = False
        self._sockets: list[WebSocketRoute] = []
        self._kept = {"archipelago-theme": theme, "archipelago-language": language}
        if entered:
            self._kept["archipelago-session"] = "secret"

    async def attach(self, page: Page) -> None:
        """Route everything that the tab asks for to the scene, and stop its clock."""
        await page.clock.install(time=NOW - timedelta(hours=1))
        await page.clock.pause_at(NOW)
        await page.add_init_script(f"Object.assign(localStorage, {json.dumps(self._kept)})")
        await page.route("**/*", self._file)
        await page.route(f"{self.origin}/rpc/v1", self._answer)
        await page.route(f"{self.origin}/icons/**", self._icon)
        await page.route(f"{self.origin}/screenshots/**", self._screenshot)
        await page.route_web_socket(lambda url: "/ws/v1" in url, self._socket)

    async def go_away(self) -> None:
        """Leave the tab without a node, as a machine that is switched off does."""
        self.reachable = False
        for socket in self._sockets:
            await socket.close()

    async def log_out(self) -> None:
        """End the session of the tab."""
        self._logged_out = True
        for socket in self._sockets:
            await socket.close(code=LOGGED_OUT)

    async def _file(self, route: Route) -> None:
        if not self.reachable and route.request.resource_type == "fetch":
            await route.abort(_OFFLINE)
            return
        path = route.request.url.removeprefix(self.origin).partition("?")[0].lstrip("/")
        found = self.folder / path
        if not path or not found.is_file():
            found = self.folder / "index.html"
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        await route.fulfill(body=found.read_bytes(), headers={"Content-Type": kind, "Cache-Control": "no-cache"})

    async def _icon(self, route: Route) -> None:
        app = route.request.url.rpartition("/")[2].partition("?")[0]
        player = self.scene.players.get(app)
        if player is None:
            await route.fulfill(status=404)
            return
        await route.fulfill(body=player.icon, headers={"Content-Type": "image/svg+xml"})

    async def _screenshot(self, route: Route) -> None:
        app, name = route.request.url.partition("?")[0].split("/")[-2:]
        picture = self.scene.players[app].picture(name)
        kind = "image/png" if picture.startswith(b"\x89PNG") else "image/svg+xml"
        await route.fulfill(body=picture, headers={"Content-Type": kind})

    async def _answer(self, route: Route) -> None:
        if not self.reachable:
            await route.abort(_OFFLINE)
            return
        asked = json.loads(route.request.post_data or "{}")
        answer = self.call(asked["method"], asked.get("params") or {})
        await route.fulfill(json={"jsonrpc": "2.0", "id": asked["id"], **answer})

    def call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the answer, or the error, of a method."""
        if self._logged_out:
            told = {"name": ErrorCode.LOGIN_NEEDED, "hint": "log in"}
            return {"error": {"code": -32000, "message": "log in first", "data": told}}
        answers = self.scene.answers()
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

    async def _socket(self, socket: WebSocketRoute) -> None:
        if not self.reachable:
            await socket.close()
            return
        self._sockets.append(socket)

        def heard(message: str | bytes) -> None:
            asked = json.loads(message)
            key, params = asked["id"], asked.get("params", {})
            socket.send(json.dumps({"jsonrpc": "2.0", "id": key, "result": {"subscription": key}}))
            for line in log_of(params["app"], NOW) if params.get("kind") == "logs" else ():
                told = {"subscription": key, "log": line.model_dump(mode="json")}
                socket.send(json.dumps({"jsonrpc": "2.0", "method": "log", "params": told}))

        socket.on_message(heard)
