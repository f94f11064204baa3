// Puts the parts together and moves between people, places and threads.
import { h, replace } from "./dom.js";
import { createGuide } from "./guide.js";
import { language, t } from "./i18n.js";
import { createLockscreens } from "./lockscreen.js";
import { startModals } from "./modal.js";
import { createPeople } from "./people.js";
import { createPlace } from "./place.js";
import { readAddress, setOpener, writeAddress } from "./router.js";
import { createSidebar } from "./sidebar.js";
import { appChannel, botId, changed, channelInfo, humans, imPartner, on, state, threadKey } from "./state.js";
import { become, loadChannels, loadGuide, loadMessages, loadThread, loadWorkspace, lookAtRings, markRead, noteNew, openHome } from "./sync.js";
import { createThread } from "./thread.js";

const root = document.getElementById("app");
let parts = null;

function build() {
  const thread = createThread({ onClose: closeThread });
  const place = createPlace();
  const sidebar = createSidebar({ onLeave: () => drawer(false) });
  const phones = createLockscreens({ onPerson: switchTo });
  const guide = createGuide(sidebar.guide);
  const people = createPeople({ onPerson: switchTo, onPhones: () => phones.toggle(), onGuide: () => guide.open(), onMenu: () => drawer(true) });
  const skip = h("a.skip", { href: "#messages", onclick: (event) => { event.preventDefault(); place.feed.scroller.focus(); } });
  const banner = h("div.banner", { role: "status" });
  const shade = h("div.shade", { onclick: () => drawer(false) });
  replace(root, skip, people.node, banner, h("div.columns", null, sidebar.node, shade, place.node, thread.node, phones.node));
  on(["person", "people"], () => { document.documentElement.lang = language(); skip.textContent = t("skip"); });
  on(["online", "person"], () => { replace(banner, state.online ? null : t("offline")); banner.classList.toggle("shown", !state.online); });
  on(["people", "channels"], rememberPlace);
  return { thread, place, sidebar, phones, people };
}

const NARROW = "(max-width: 767px)";

function drawer(open) {
  if (!matchMedia(NARROW).matches && open) return;
  const was = document.body.classList.contains("drawer-open");
  document.body.classList.toggle("drawer-open", open);
  const button = document.querySelector("[data-menu]");
  button?.setAttribute("aria-expanded", String(open));
  for (const node of [parts.place.node, parts.thread.node]) node.inert = open;
  if (open) parts.sidebar.node.querySelector(".side-row.current, .side-row")?.focus();
  else if (was) button?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && document.body.classList.contains("drawer-open")) drawer(false);
});

function remember() {
  const place = state.place?.kind === "app" ? state.app.id : state.place?.id;
  writeAddress({ as: state.me, place, thread: state.thread?.ts });
}

// A direct channel with the app may come into being while its tab is open.
function rememberPlace() {
  if (state.place?.kind !== "app" || state.place.channel) return;
  const channel = appChannel();
  if (channel) {
    state.place.channel = channel.id;
    if (state.place.tab === "messages") loadMessages(channel.id);
  }
}

async function openPlace(place, target = {}) {
  const channel = place.kind === "channel" ? channelInfo(place.id) : null;
  if (channel?.is_im && imPartner(channel) === botId()) place = { kind: "app", tab: "messages" };
  if (place.kind === "app" && state.app[`${place.tab}_tab`] === false) {
    place = { ...place, tab: state.app.home_tab === false ? "messages" : "home" };
  }
  const next = place.kind === "app" ? { ...place, channel: appChannel()?.id ?? null } : place;
  const id = next.kind === "app" ? (next.tab === "messages" ? next.channel : null) : next.id;
  const thread = target.thread ?? (target.ts ? threadOf(id, target.ts) : null);
  const moved = JSON.stringify(next) !== JSON.stringify(state.place);
  state.place = next;
  if (moved && !thread) state.thread = null;
  changed("place", "thread");
  if (id && moved) {
    const unread = channelInfo(id)?.unread ?? 0;
    state.messages.delete(id);
    await loadMessages(id);
    noteNew(id, unread);
    changed("messages");
    markRead(id);
  }
  if (next.kind === "app" && next.tab === "home" && moved) openHome();
  const reply = thread ?? (target.ts ? threadOf(id, target.ts) : null);
  if (reply) await openThread(id, reply, target);
  remember();
  if (target.ts) setTimeout(() => (reply && reply !== target.ts ? parts.thread : parts.place).feed.reveal(target.ts), 0);
}

const threadOf = (channel, ts) => state.messages.get(channel)?.find((message) => message.ts === ts)?.thread_ts ?? null;

async function openThread(channel, ts, { focus = false, quiet = false } = {}) {
  state.thread = { channel, ts };
  state.replies.delete(threadKey(channel, ts));
  await loadThread(channel, ts);
  changed("thread");
  if (quiet) return; // opened by the address, not by the person
  queueMicrotask(() => (focus ? parts.thread.focus() : parts.thread.feed.scroller.focus({ preventScroll: true })));
}

function closeThread() {
  const ts = state.thread?.ts;
  state.thread = null;
  changed("thread");
  remember();
  queueMicrotask(() => document.querySelector(`[data-fk="summary/${ts}"]`)?.focus());
}

/** Sees the workspace as another person: in the same place where that person may be, else in the first. */
async function switchTo(id) {
  if (id === state.me) return;
  const before = state.place;
  localStorage.setItem("as", id);
  state.place = null;
  await become(id);
  lookAtRings(id);
  const same = before?.kind === "app" || state.channels.some((channel) => channel.id === before?.id);
  await openPlace(same && before ? before : firstPlace());
}

function firstPlace() {
  const channel = state.channels.find((entry) => !entry.is_im && !entry.is_archived) ?? state.channels[0];
  return channel ? { kind: "channel", id: channel.id } : { kind: "app", tab: "home" };
}

function boot(message) {
  replace(root, h("div.boot", { role: "alert" }, h("p", null, message), h("button.button", { type: "button", onclick: () => location.reload() }, t("retry"))));
}

async function start() {
  setOpener(openPlace);
  await loadWorkspace();
  if (!state.app) { boot(t("errorBoot")); return; }
  parts = build();
  startModals();
  const address = readAddress();
  const ids = humans().map((person) => person.id);
  const wanted = [address.as, localStorage.getItem("as"), ids[0]].find((id) => ids.includes(id));
  await become(wanted);
  loadGuide();
  const known = state.channels.some((channel) => channel.id === address.place);
  const place = known ? { kind: "channel", id: address.place } : address.place === state.app.id ? { kind: "app", tab: "home" } : firstPlace();
  await openPlace(place, { ts: address.ts, thread: address.thread, quiet: true });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && state.place?.kind === "channel") loadChannels().then(() => state.place && markRead(state.place.id));
  });
  root.dataset.ready = "true";
}

start();
