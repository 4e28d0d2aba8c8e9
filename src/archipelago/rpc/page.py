"""The node's own page: what runs and how it is. It needs nothing but the RPC."""

import base64
import hashlib

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f;background:#fff}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.4rem .8rem .4rem 0;border-bottom:1px solid #ccc}
label{display:block;margin:.6rem 0}input,button{font:inherit;padding:.3rem .6rem}
code{background:#eee;padding:.1rem .3rem}
@media(prefers-color-scheme:dark){body{color:#eee;background:#16161a}code{background:#333}td,th{border-color:#444}}
"""

_SCRIPT = """
const call = async (method, params = {}) => {
  const request = {jsonrpc: "2.0", id: 1, method, params};
  const headers = {"Content-Type": "application/json"};
  const answer = await (await fetch("/rpc/v1", {method: "POST", headers, body: JSON.stringify(request)})).json();
  if (answer.error) throw new Error(answer.error.message);
  return answer.result;
};
const login = document.getElementById("login");
const enter = async () => {
  const who = await call("login-status");
  const inside = who.permissions.includes("read");
  login.hidden = inside;
  document.getElementById("logout").hidden = !inside;
  document.getElementById("inside").hidden = !inside;
  login.dataset.first = who.set_up ? "" : "yes";
  document.getElementById("user").parentElement.hidden = !who.set_up;
  document.getElementById("why").textContent = who.set_up ? "" :
    "Choose the owner's password. The code stands on the node's console.";
  if (inside) watch();
};
login.onsubmit = async (event) => {
  event.preventDefault();
  const [user, password, code] = ["user", "password", "code"].map((id) => document.getElementById(id).value);
  const params = login.dataset.first ? {password, code} : {user, password, ...(code ? {code} : {})};
  try { await call(login.dataset.first ? "login-setup" : "login", params); login.reset(); await enter(); }
  catch (error) { document.getElementById("why").textContent = error.message; }
};
document.getElementById("logout").onclick = async () => { await call("logout"); location.reload(); };
const show = async () => {
  const [node, apps] = await Promise.all([call("system-info"), call("container-list")]);
  document.getElementById("node").textContent = `Archipelago ${node.version} · Podman ${node.podman}`;
  document.getElementById("apps").replaceChildren(...apps.map((app) => {
    const row = document.createElement("tr");
    const progress = app.percent === null ? "" : ` ${app.percent.toFixed(1)} %`;
    const places = app.endpoints.map((endpoint) => endpoint.address).join(" ");
    for (const text of [app.name, app.version, app.state + progress, app.reason || places]) {
      row.appendChild(document.createElement("td")).textContent = text;
    }
    return row;
  }));
};
const fail = (error) => { document.getElementById("node").textContent = error.message; };
const watch = () => {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/v1`);
  const subscribe = {jsonrpc: "2.0", id: 1, method: "subscribe", params: {kind: "events"}};
  let due = null;
  socket.onopen = () => { socket.send(JSON.stringify(subscribe)); show().catch(fail); };
  socket.onmessage = () => { due ??= setTimeout(() => { due = null; show().catch(fail); }, 500); };
  socket.onclose = (event) => event.code === 4401 ? location.reload() : setTimeout(watch, 3000);
};
enter().catch(fail);
"""

PAGE = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Archipelago</title>
<style>{_STYLE}</style>
<h1>Archipelago</h1>
<form id="login" hidden>
<p id="why" role="alert"></p>
<label>Account <input id="user" value="owner" autocomplete="username"></label>
<label>Password <input id="password" type="password" autocomplete="current-password" required></label>
<label>Code <input id="code" autocomplete="one-time-code"></label>
<button>Go</button>
</form>
<button id="logout" hidden>Log out</button>
<div id="inside" hidden>
<p id="node" role="status">…</p>
<table><thead><tr><th>App</th><th>Version</th><th>State</th><th></th></tr></thead><tbody id="apps"></tbody></table>
</div>
<p>The command line does everything: <code>./archipelago --help</code>. The RPC describes itself:
<a href="/openrpc.json">openrpc.json</a>.</p>
<script>{_SCRIPT}</script>
</html>
"""


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


PAGE_POLICY = (
    f"default-src 'none'; style-src {_source(_STYLE)}; script-src {_source(_SCRIPT)}; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy of the page: its own script and style, by hash, and nothing else."""
