// The people's side of the sandbox: the calls and the live socket.

export class HandError extends Error {
  constructor(code, body) {
    super(code);
    this.code = code;
    this.body = body ?? {};
  }
}

async function request(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
    });
  } catch {
    throw new HandError("sandbox_unreachable");
  }
  let data;
  try {
    data = await response.json();
  } catch {
    throw new HandError(response.status === 404 ? "not_found" : `http_${response.status}`);
  }
  if (!response.ok || data.ok === false) throw new HandError(data.error ?? `http_${response.status}`, data);
  return data;
}

const query = (params) =>
  new URLSearchParams(Object.entries(params).filter(([, v]) => v !== null && v !== undefined)).toString();
const get = (path, params = {}) => request("GET", `${path}?${query(params)}`);
const post = (path, body) => request("POST", path, body);

export const api = {
  workspace: () => get("/hand/workspace"),
  channels: (as) => get("/hand/channels", { as }),
  messages: (as, channel, threadTs) => get("/hand/messages", { as, channel, thread_ts: threadTs, limit: 400 }),
  views: (as) => get("/hand/views", { as }),
  home: (as) => get("/hand/home", { as }),
  rings: (as) => get("/hand/rings", { as }),
  guide: () => get("/hand/guide"),
  read: (as, channel) => post("/hand/read", { as, channel }),
  command: (body) => post("/hand/command", body),
  click: (body) => post("/hand/click", body),
  submit: (body) => post("/hand/submit", body),
  close: (body) => post("/hand/close", body),
  shortcut: (body) => post("/hand/shortcut", body),
  suggest: (body) => post("/hand/suggest", body),
  openHome: (as, tab) => post("/hand/home/open", { as, tab }),
  say: (body) => post("/hand/say", body),
  edit: (body) => post("/hand/edit", body),
  react: (body) => post("/hand/react", body),
  fileUrl: (id, as) => `/hand/files/${encodeURIComponent(id)}?${query({ as })}`,
};

/** A socket of one person's events that comes back by itself; `onState(open, again)` tells which. */
export class Live {
  constructor(as, onEvent, onState = () => {}) {
    this.as = as;
    this.onEvent = onEvent;
    this.onState = onState;
    this.delay = 250;
    this.closed = false;
    this.opened = false;
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/hand/live?${query({ as: this.as })}`);
    this.socket = socket;
    socket.onopen = () => {
      this.delay = 250;
      this.onState(true, this.opened);
      this.opened = true;
    };
    socket.onmessage = (message) => {
      let event;
      try {
        event = JSON.parse(message.data);
      } catch {
        return;
      }
      this.onEvent(event);
    };
    socket.onclose = () => {
      if (this.closed) return;
      this.onState(false, this.opened);
      setTimeout(() => this.closed || this.connect(), this.delay);
      this.delay = Math.min(this.delay * 2, 4000);
    };
  }

  close() {
    this.closed = true;
    this.socket.close();
  }
}
