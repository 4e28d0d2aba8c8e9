"""rpc_meter COOKIE COUNT: ask bitcoind within its network namespace COUNT times; print how long each answer took.

The result is a list of milliseconds in JSON. It runs as the root of the service user's namespace.
"""

import base64
import http.client
import json
import sys
import time


def main() -> None:
    with open(sys.argv[1], "rb") as file:
        login = base64.b64encode(file.read().strip()).decode()
    body = json.dumps({"jsonrpc": "1.0", "id": 1, "method": "getblockchaininfo", "params": []})
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", 8332, timeout=60)
    found = []
    for _ in range(int(sys.argv[2])):
        start = time.perf_counter()
        connection.request("POST", "/", body, headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        json.loads(answer.read())
        found.append(1000 * (time.perf_counter() - start))
        time.sleep(0.01)
    print(json.dumps(found))


main()
