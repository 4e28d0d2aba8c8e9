// Ends with 0 while the flows that run are those on the disk, else with 1 and the reason.
"use strict";
const fs = require("node:fs");
const { isDeepStrictEqual } = require("node:util");

const TOKEN = /HEALTH_TOKEN = "([0-9a-f]+)"/.exec(fs.readFileSync("/etc/node-red/settings.js", "utf8"))[1];

function stored() {
  try {
    return JSON.parse(fs.readFileSync("/data/flows.json", "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return null; // nobody has deployed anything yet
    throw new Error(`the flows on the disk cannot be read: ${error.message}`);
  }
}

async function main() {
  const before = stored();
  const answer = await fetch("http://127.0.0.1:1880/flows", {
    headers: { Authorization: `Bearer ${TOKEN}` },
    signal: AbortSignal.timeout(10000),
  });
  if (answer.status !== 200) throw new Error(`it answers with status ${answer.status}`);
  const running = await answer.json();
  const after = stored();
  if (after !== null && !isDeepStrictEqual(running, after) && isDeepStrictEqual(before, after)) {
    throw new Error("the flows that run are not those on the disk");
  }
}

main().catch((error) => {
  console.log(error.cause ? error.cause.message : error.message);
  process.exitCode = 1;
});
