"""JSON-RPC over HTTP, WebSocket and unix socket: nothing but translation between JSON and the rooms below."""
