// Brings what the sandbox says into the state: first loads, live events, and a full look after a lost line.
import { api, HandError, Live } from "./api.js";
import { notify } from "./overlay.js";
import { botId, changed, forgetSurface, forgetSurfaces, humans, me, state, threadKey } from "./state.js";
import { bare } from "./bare.js";
import { t } from "./i18n.js";
import { openPlace } from "./router.js";

const running = new Map();

/** Runs `task` under a name: asked again while it runs, it runs once more after, never twice at once. */
function once(name, task) {
  const entry = running.get(name);
  if (entry) { entry.again = true; return entry.promise; }
  const fresh = { again: false };
  fresh.promise = (async () => {
    try {
      do {
        fresh.again = false;
        await task();
      } while (fresh.again);
    } catch (error) {
      if (!(error instanceof HandError)) throw error;
    } finally {
      running.delete(name);
    }
  })();
  running.set(name, fresh);
  return fresh.promise;
}

/** A load whose answer counts only while the same person looks. */
async function mine(call, apply) {
  const as = state.me;
  const answer = await call(as);
  if (as === state.me) apply(answer);
}

export const loadWorkspace = () => once("workspace", async () => {
  const answer = await api.workspace();
  state.team = answer.team;
  state.app = answer.app;
  state.people = new Map(answer.people.map((person) => [person.id, person]));
  state.channelsAll = new Map(answer.channels.map((channel) => [channel.id, channel]));
  state.groups = new Map((answer.groups ?? []).map((group) => [group.id, group]));
  changed("people", "channels", "app");
});

export const loadChannels = () => once("channels", () => mine(api.channels, (answer) => {
  state.channels = answer.channels;
  changed("channels");
}));

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export const loadMessages = (channel) => once(`messages/${state.me}/${channel}`, () => mine((as) => api.messages(as, channel), (answer) => {
  if (!same(state.messages.get(channel), answer.messages)) {
    state.messages.set(channel, answer.messages);
    changed("messages");
  }
  markRead(channel);
}));

export const loadThread = (channel, ts) => once(`thread/${state.me}/${channel}/${ts}`, () => mine((as) => api.messages(as, channel, ts), (answer) => {
  const key = threadKey(channel, ts);
  if (same(state.replies.get(key), answer.messages)) return;
  state.replies.set(key, answer.messages);
  changed("thread");
}));

export const loadViews = () => once("views", () => mine(api.views, (answer) => {
  const open = new Set(answer.views.map((view) => view.id));
  for (const view of state.views) if (!open.has(view.id)) forgetSurface(`view:${view.id}`);
  state.views = answer.views;
  changed("views");
}));

export const loadHome = () => once("home", () => mine(api.home, (answer) => {
  state.home = answer.view ?? answer.home ?? null;
  changed("home");
}));

export const loadRings = (person) => once(`rings/${person}`, async () => {
  const answer = await api.rings(person);
  state.rings.set(person, answer.rings ?? answer);
  if (!state.ringsSeen.has(person)) state.ringsSeen.set(person, 0);
  changed("rings");
});

export async function loadGuide() {
  try {
    const answer = await api.guide();
    state.guide = answer.steps?.length ? answer : null;
  } catch {
    state.guide = null;
  }
  changed("guide");
}

export const lookAtRings = (person) => {
  state.ringsSeen.set(person, (state.rings.get(person) ?? []).length);
  changed("rings");
};

function isOpen(channel) {
  if (state.place?.kind === "channel") return state.place.id === channel;
  if (state.place?.kind === "app" && state.place.tab === "messages") return state.place.channel === channel;
  return false;
}

/** The first message that the person had not seen when the channel was opened. */
export function noteNew(channel, unread) {
  const own = (message) => message.user === state.me;
  const others = (state.messages.get(channel) ?? []).filter((message) => !own(message) && !message.ephemeral);
  state.newSince.set(channel, unread > 0 ? others.at(-Math.min(unread, others.length))?.ts ?? null : null);
}

export function markRead(channel) {
  if (!isOpen(channel) || document.hidden) return;
  const entry = state.channels.find((item) => item.id === channel);
  const unread = (entry?.unread ?? 0) + (entry?.mentions ?? 0);
  if (!unread) return;
  entry.unread = 0;
  entry.mentions = 0;
  changed("channels");
  once(`read/${state.me}/${channel}`, () => api.read(state.me, channel));
}

export const refreshAll = () => Promise.all([
  loadWorkspace(), loadChannels(), loadViews(), loadHome(), loadGuide(), ...humans().map((person) => loadRings(person.id)), refreshPlace(),
]);

export function refreshPlace() {
  const jobs = [];
  const channel = state.place?.kind === "channel" ? state.place.id : state.place?.channel;
  if (channel) jobs.push(loadMessages(channel));
  if (state.thread) jobs.push(loadThread(state.thread.channel, state.thread.ts));
  return Promise.all(jobs);
}

function channelEvent(event) {
  const channel = event.channel ?? event.message?.channel ?? event.item?.channel;
  loadChannels().then(() => channel && markRead(channel));
  if (!channel) { refreshPlace(); return; }
  if (isOpen(channel)) loadMessages(channel);
  else state.messages.delete(channel);
  if (state.thread?.channel === channel) loadThread(channel, state.thread.ts);
}

const HANDLERS = {
  message: channelEvent, update: channelEvent, delete: channelEvent, ephemeral: channelEvent, reaction: channelEvent,
  file: channelEvent, pin: channelEvent, read: () => loadChannels(), channel: (event) => { loadWorkspace(); channelEvent(event); },
  view: () => loadViews(), view_closed: () => loadViews(), home: () => loadHome(),
  connection: () => loadWorkspace(), people: () => loadWorkspace(), guide: () => loadGuide(),
};

async function ringEvent(person) {
  const before = (state.rings.get(person) ?? []).length;
  await loadRings(person);
  const rings = state.rings.get(person) ?? [];
  if (person !== state.me || rings.length <= before) return;
  const ring = rings.at(-1);
  if (ring.sound === false) return;
  notify([`📱 `, bare(ring.text)], { className: "ring", onClick: () => openPlace({ kind: "channel", id: ring.channel }, { ts: ring.ts, thread: ring.thread_ts }) });
}

let lives = [];

/** One socket for the person who looks, and one for each other phone. */
export function connect() {
  for (const live of lives) live.close();
  lives = humans().map((person) => {
    const own = person.id === state.me;
    return new Live(person.id, (event) => {
      if (event.type === "ring") ringEvent(person.id);
      else if (own) HANDLERS[event.type]?.(event);
    }, (open, again) => {
      if (own && state.online !== open) { state.online = open; changed("online"); }
      if (open && again && own) refreshAll();
    });
  });
}

/** The page shows the workspace as another person sees it. */
export async function become(id) {
  state.me = id;
  Object.assign(state, { channels: [], views: [], home: null, thread: null });
  for (const map of [state.messages, state.replies, state.newSince, state.local]) map.clear();
  forgetSurfaces();
  connect();
  changed("person");
  await Promise.all([loadChannels(), loadViews(), loadHome(), ...humans().map((person) => loadRings(person.id))]);
}

/** Opens the app's Home tab, as Slack tells the app when somebody does. */
export async function openHome(tab = "home") {
  try {
    await api.openHome(state.me, tab);
  } catch {
    notify(t("appAway", { app: state.app?.name ?? "" }));
  }
  await loadHome();
}

export const isApp = (id) => id === botId();
export const myZone = () => me()?.tz;
