// Shows a page of its own while the node cannot be reached. Everything else always comes from the node: nothing that it once
// said is shown as if it were true now, and none of its answers are kept here.
// Browsers fetch FILES again only when this file has changed: raise the number with each change of them.
const KEPT = "archipelago-offline-2";
const FILES = ["/offline.html", "/offline.js", "/icon.svg"];

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(KEPT)
      .then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = new URL(request.url).pathname;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match("/offline.html")));
    // The offline page asks for an icon with "no-store" to learn whether the node is back.
  } else if (request.method === "GET" && request.cache !== "no-store" && FILES.includes(path)) {
    event.respondWith(fetch(request).catch(() => caches.match(path)));
  }
});
