import { label, language, money, setLanguage, words } from "./words.js";

const EVERY = 1500; // milliseconds between looks
const byId = (id) => document.getElementById(id);
let last = null;
let faults = []; // each with what it may be set to and its words
let tried = 0;

function make(tag, text = "", className = "") {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  if (className) element.className = className;
  return element;
}

async function send(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const found = await response.json();
  if (!response.ok) throw new Error(found.error?.message ?? String(response.status));
  return found;
}

function say(text, bad = false) {
  const banner = byId("said");
  banner.textContent = text;
  banner.classList.toggle("bad", bad);
  banner.hidden = false;
}

// Does it, then looks; what the shop refuses is said in its own sentence.
async function act(what, said) {
  try {
    const made = await what();
    if (said) say(typeof said === "function" ? said(made) : said);
  } catch (error) {
    say(error.message, true);
  }
  await look();
}

function time(text) {
  return new Date(text).toLocaleTimeString(language() === "en" ? "en-GB" : "zh-TW", {
    hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
  });
}

// ---- switches -------------------------------------------------------------------------------

function drawSwitches() {
  const w = words();
  const kept = new Map([...document.querySelectorAll("#switches [data-option]")].map((e) => [e.id, e.value]));
  byId("switches").replaceChildren(...faults.map(({ kind, page: options, section, words: said }) => {
    const [name, does] = said[language()];
    const card = make("div", "", "switch");
    card.id = `card-${kind}`;
    const title = make("h3", name);
    title.id = `name-${kind}`;
    const toggle = make("button", "", "toggle");
    toggle.type = "button";
    toggle.id = `toggle-${kind}`;
    toggle.setAttribute("role", "switch");
    toggle.setAttribute("aria-checked", "false");
    toggle.setAttribute("aria-labelledby", title.id);
    toggle.append(make("i"));
    toggle.addEventListener("click", () => flip(kind, toggle));
    card.append(title, toggle, make("p", `§${section} · ${does}`));
    const fields = Object.entries(options).map(([option, values]) => field(kind, option, values, kept));
    if (fields.length) {
      const row = make("div", "", "options");
      row.append(...fields);
      card.append(row);
    }
    return card;
  }));
}

function field(kind, option, values, kept) {
  const w = words();
  const holder = make("label", "", "field");
  holder.append(make("span", w.option[option]));
  let input;
  if (typeof values[0] === "number") {
    input = make("input");
    input.type = "number";
    [input.value, input.min, input.max] = values;
  } else {
    input = make("select");
    for (const value of values) {
      const choice = make("option", w.choice[value]);
      choice.value = value;
      input.append(choice);
    }
  }
  input.id = `option-${kind}-${option}`;
  input.dataset.option = option;
  if (kept.has(input.id)) input.value = kept.get(input.id);
  holder.append(input);
  return holder;
}

function given(kind) {
  const fields = {};
  for (const input of document.querySelectorAll(`#card-${kind} [data-option]`)) {
    const option = input.dataset.option;
    if (option === "target") fields[input.value === "standby" ? "server" : "channel"] = input.value;
    else fields[option] = input.type === "number" ? Number(input.value) : input.value;
  }
  return fields;
}

async function flip(kind, toggle) {
  const w = words();
  const on = toggle.getAttribute("aria-checked") !== "true";
  toggle.disabled = true;
  const name = faults.find((fault) => fault.kind === kind).words[language()][0];
  await act(
    () => on ? send("POST", "/faults", { kind, on, ...given(kind) }) : send("POST", "/faults/recover", { kind }),
    on ? w.switched_on(name) : w.switched_off(name),
  );
  toggle.disabled = false;
  toggle.focus();
}

function showSwitches(found) {
  if (!faults.length) { faults = found; drawSwitches(); }
  for (const fault of found) {
    byId(`toggle-${fault.kind}`)?.setAttribute("aria-checked", String(fault.on));
    byId(`card-${fault.kind}`)?.classList.toggle("on", fault.on);
    const parameters = fault.active[0]?.parameters ?? {};
    for (const input of document.querySelectorAll(`#card-${fault.kind} [data-option]`)) {
      const option = input.dataset.option;
      const value = option === "target" ? parameters.channel ?? parameters.server : parameters[option];
      if (fault.on && value !== undefined) input.value = value; // as it was thrown, by whomever
      input.disabled = fault.on;
    }
  }
  byId("recover").disabled = !found.some((fault) => fault.on);
}

// ---- what the shop is doing -----------------------------------------------------------------

function show(state) {
  const w = words();
  byId("clock").textContent = time(state.now);
  byId("clock").dateTime = state.now;
  byId("orders").textContent = state.orders_last_minute;
  byId("orders").className = "figure" + (state.taking_orders || !state.rate ? "" : " bad");
  chart(state.per_minute);
  const route = state.channels.find((channel) => channel.id === state.routing.channel);
  byId("route").textContent = route?.name ?? state.routing.channel;
  byId("route").className = "figure small " + (route?.healthy ? "good" : "bad");
  byId("route-detail").textContent = state.routing.previous ? w.since(time(state.routing.changed_at)) : w.as_usual;
  const taken = state.taking_orders;
  byId("traffic").textContent = taken ? w.server_short[taken] : w.nobody;
  byId("traffic").className = "figure small " + (taken ? "good" : "bad");
  byId("traffic-detail").textContent = !taken ? w.server_down : taken === "standby" ? w.standby_takes : w.as_usual;
  showSwitches(state.faults);
  byId("parts").replaceChildren(...parts(state));
  byId("latest").replaceChildren(...state.latest.map(order));
  const log = state.mutations.map(mutation);
  byId("log").replaceChildren(...(log.length ? log : [make("li", w.log_empty)]));
  const rate = byId("rate");
  if (document.activeElement !== rate) {
    if (![...rate.options].some((choice) => Number(choice.value) === state.rate)) rate.append(make("option", String(state.rate)));
    rate.value = String(state.rate);
  }
}

function chart(minutes) {
  const w = words();
  const svg = byId("chart");
  const most = Math.max(12, ...minutes.map((minute) => minute.placed));
  const width = 300 / minutes.length;
  svg.replaceChildren();
  minutes.forEach((minute, index) => {
    const bar = (from, count, className) => {
      const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const height = (60 * count) / most;
      rect.setAttribute("x", String(index * width + 1.5));
      rect.setAttribute("width", String(width - 3));
      rect.setAttribute("y", String(60 - (60 * from) / most - height));
      rect.setAttribute("height", String(height));
      rect.setAttribute("class", className);
      svg.append(rect);
    };
    bar(0, minute.paid, "paid");
    bar(minute.paid, minute.placed - minute.paid, "unpaid");
  });
  const sum = (name) => minutes.reduce((total, minute) => total + minute[name], 0);
  svg.setAttribute("aria-label", w.chart(sum("placed"), sum("paid")));
}

function row(name, ...details) {
  const item = make("li");
  item.append(make("b", name), ...details);
  return item;
}

function parts(state) {
  const w = words();
  const channels = state.channels.map((channel) => {
    const mood = { ok: "good", degraded: "warn", down: "bad" }[channel.status];
    const figures = channel.stats.attempts ? w.last_5_minutes(channel.stats) : w.no_payments;
    return row(channel.name, make("span", w.status[channel.status], mood), make("span", figures));
  });
  const servers = state.servers.map((server) => {
    const status = server.state === "running" && !server.healthy ? "unhealthy" : server.state;
    const mood = { running: "good", down: "bad", failed: "bad", unhealthy: "bad" }[status] ?? "";
    const traffic = state.traffic === server.id ? w.has_traffic : "";
    return row(w.server[server.id], make("span", w.status[status], mood), make("span", traffic));
  });
  return [...channels, ...servers];
}

function order(found) {
  const w = words();
  const trouble = found.payment === "unknown" ? w.payment.unknown : w.payment[found.stage];
  const unpaid = found.status === "awaiting_payment";
  const status = unpaid && trouble ? trouble : w.order_status[found.status];
  return row(found.number, make("span", money(found.total_minor)), make("span", status, unpaid ? "bad" : "good"));
}

function mutation(entry) {
  const w = words();
  const item = make("li");
  const [text, mood] = entry.replayed ? [w.replayed, "warn"]
    : entry.status >= 400 ? [w.refused(entry.status), "bad"]
    : entry.effect ? [w.effect, "good"] : [w.no_effect, ""];
  item.append(make("span", time(entry.at)), make("code", `${entry.method} ${entry.path}`), make("span", text, mood));
  return item;
}

async function look() {
  const mine = ++tried;
  try {
    const response = await fetch("/state");
    if (!response.ok) throw new Error(String(response.status));
    const state = await response.json();
    if (mine !== tried) return; // a later look is under way
    last = state;
    show(state);
    byId("offline").hidden = true;
  } catch {
    byId("offline").hidden = false;
  }
}

function draw() {
  const other = language() === "en" ? "zh-Hant" : "en";
  byId("language").textContent = other === "en" ? "English" : "繁中";
  byId("language").lang = other;
  label();
  drawSwitches();
  if (last) show(last);
}

byId("language").addEventListener("click", () => {
  setLanguage(language() === "en" ? "zh-Hant" : "en");
  byId("said").hidden = true;
  draw();
});
byId("recover").addEventListener("click", () => act(() => send("POST", "/faults/recover", {}), words().mended));
byId("advance").addEventListener("click", (event) => {
  const seconds = event.target.dataset.seconds;
  if (seconds) act(() => send("POST", "/clock", { advance: Number(seconds) }));
});
byId("rate").addEventListener("change", (event) => act(() => send("PUT", "/stream", { rate: Number(event.target.value) })));
byId("burst").addEventListener("click", () => act(() => send("POST", "/checkout/burst", { count: 12 }), (made) => words().burst_done(made)));

draw();
look();
setInterval(look, EVERY);
