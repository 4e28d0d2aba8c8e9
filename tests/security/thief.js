// What an app's page can try against the node from an owner's browser. Each attempt that gets anything says what; the rest, null.
async (node) => {
  const got = {};
  const call = (method, params) => JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const calls = [
    call("container-stop", { app: "victim" }),
    call("user-add", { user: "thief", role: "owner", password: "the thief's own password" }),
    call("key-phrase", {}),
  ];
  const all = [];
  const attempt = (name, work) => {
    const late = new Promise((give) => setTimeout(give, 60000, "no end")); // neither got nor refused
    const keep = (found) => (got[name] = found || null);
    all.push(Promise.race([work(), late]).then(keep, () => keep(null)));
  };
  const loaded = (element, good) =>
    new Promise((give) => {
      element.onload = () => give(good(element));
      element.onerror = () => give(null);
      document.body.append(element);
    });
  /** Reads a frame until there is something in it, or until it is another origin's, which throws. */
  const framed = async (read) => {
    const frame = made("iframe", { src: node });
    document.body.append(frame);
    for (;;) {
      const found = read(frame.contentWindow);
      if (found) return found;
      await new Promise((go) => setTimeout(go, 20));
    }
  };
  const made = (name, values) => Object.assign(document.createElement(name), values);

  for (const body of calls) {
    const json = { "Content-Type": "application/json" };
    const how = { method: "POST", body, credentials: "include" };
    attempt(`fetch ${body}`, async () => (await fetch(`${node}/rpc/v1`, { ...how, headers: json })).text());
    attempt(`plain ${body}`, async () => (await fetch(`${node}/rpc/v1`, how)).text());
    attempt(`opaque ${body}`, async () => (await fetch(`${node}/rpc/v1`, { ...how, mode: "no-cors" })).text());
    navigator.sendBeacon(`${node}/rpc/v1`, new Blob([body], { type: "text/plain" }));
    attempt(`form ${body}`, async () => {
      const frame = made("iframe", { name: `form${Math.random()}` });
      const form = made("form", { action: `${node}/rpc/v1`, method: "post", enctype: "text/plain", target: frame.name });
      form.append(made("input", { name: body.slice(0, -1) + ',"x":"', value: '"}' }));
      document.body.append(form);
      const answered = loaded(frame, () => null);
      form.submit();
      await answered;
      return frame.contentWindow.document.body.innerText;
    });
  }
  for (const path of ["/logs?app=victim&tail=9", "/icons/victim?v=1", "/openrpc.json", "/"]) {
    attempt(`get ${path}`, async () => (await fetch(node + path, { credentials: "include" })).text());
  }
  attempt("picture", () => loaded(made("img", { src: `${node}/icons/victim?v=1` }), () => "shown"));
  attempt("script", () => loaded(made("script", { src: `${node}/openrpc.json` }), () => "run"));
  attempt("style", () => loaded(made("link", { rel: "stylesheet", href: `${node}/` }), () => "applied"));
  attempt("frame", () => framed((inside) => inside.document.title));
  attempt("frame's storage", () => framed((inside) => inside.document && inside.localStorage["archipelago-session"]));
  for (const path of ["/ws/v1", "/terminal?app=victim"]) {
    for (const protocols of [[], ["archipelago"], ["archipelago", "archs_planted"]]) {
      attempt(`socket ${path} ${protocols}`, () =>
        new Promise((give) => {
          const socket = new WebSocket(node.replace("http", "ws") + path, protocols);
          socket.onopen = () => give("open");
          socket.onclose = () => give(null);
        }));
    }
  }
  attempt("domain", async () => void (document.domain = location.hostname));
  const opened = window.open(node);
  attempt("window's storage", async () => opened.localStorage["archipelago-session"]);
  attempt("window's page", async () => opened.document.title);
  await Promise.all(all);
  return got;
}
