"use strict";
const agent = navigator.userAgent;
const kinds = [
  ["ios", /iPhone|iPad|iPod/],
  ["android", /Android/],
  ["windows", /Windows/],
  ["macos", /Mac OS X/],
  ["linux", /Linux|X11/],
];
let kind = kinds.find(([, sign]) => sign.test(agent))?.[0];
// An iPad says that it is a Mac, and no Mac can be touched.
if (kind === "macos" && navigator.maxTouchPoints > 1) kind = "ios";
if (kind !== "ios" && kind !== "android" && /Firefox\//.test(agent)) kind = "firefox";
const devices = document.getElementById("devices");
const yours = kind && document.getElementById(kind);
if (yours) {
  const mark = document.createElement("span");
  mark.className = "yours";
  mark.textContent = devices.dataset.yours;
  yours.querySelector("summary").append(mark);
  devices.prepend(yours);
  yours.open = true;
}

const state = document.getElementById("state");
function say(trusted) {
  const text = trusted ? state.dataset.yes : state.dataset.no;
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("yes", trusted);
  state.hidden = false;
}
async function look() {
  if (!document.hidden) {
    // Whatever the answer is, and nobody may read it: that there is one says that the certificate is trusted.
    const asked = fetch(`https://${location.hostname}${document.body.dataset.probe}`, { mode: "no-cors", cache: "no-store" });
    say(await asked.then(() => true, () => false));
  }
  setTimeout(look, 3000);
}
look();
