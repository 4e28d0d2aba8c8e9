"""What SearXNG's health says of a server that runs with other settings, or has nothing to search with."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from support.checkout import APPS

HEALTH = APPS / "searxng" / "files" / "health"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"safe_search": 1, "engines": [{"enabled": True}, {"enabled": False}]}, (0, "search engines that are on: 1")),
        ({"safe_search": 2, "engines": [{"enabled": True}]}, (1, "it runs with other settings")),
        ({"safe_search": 1, "engines": [{"enabled": False}]}, (1, "it has no search engine")),
        ({"safe_search": 1}, (1, "it does not answer")),
        (["nonsense"], (1, "it does not answer")),
    ],
)
def test_health_compares_the_server_with_its_settings(config: Any, said: tuple[int, str], tmp_path: Path) -> None:
    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/config"
            body = json.dumps(config).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    settings = tmp_path / "settings.yml"
    settings.write_text('search:\n  safe_search: 1\n  autocomplete: ""\n')
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        text = HEALTH.read_text().replace("/etc/searxng/settings.yml", str(settings))
        text = text.replace("8888", str(server.server_port))
        done = subprocess.run([sys.executable, "-S", "-c", text], capture_output=True, text=True, timeout=60)
        server.shutdown()
    assert done.returncode == said[0] and done.stdout.startswith(said[1]), (done.stdout, done.stderr)
