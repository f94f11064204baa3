// What the page knows: one object, and who wants to hear when a part of it changes.

export const state = {
  team: null,
  people: new Map(),
  channelsAll: new Map(),
  groups: new Map(),
  app: null,
  me: null,            // the id of the person whose eyes these are
  channels: [],        // as that person sees them, with unread counts
  place: null,         // {kind: "channel", id} | {kind: "app", tab}
  thread: null,        // {channel, ts}
  messages: new Map(), // channel id → messages
  replies: new Map(),  // "channel:ts" → messages
  local: new Map(),    // channel id or "channel:ts" → what only this page says (failed commands)
  newSince: new Map(), // channel id → ts of the first message that was new on opening
  views: [],
  home: null,
  rings: new Map(),    // person id → rings
  ringsSeen: new Map(),// person id → how many of them were looked at
  guide: null,
  online: true,
};

const listeners = new Map();
const dirty = new Set();

/** Calls `run` after any of the topics changed, once for all changes of one turn. */
export function on(topics, run) {
  for (const topic of topics) {
    if (!listeners.has(topic)) listeners.set(topic, new Set());
    listeners.get(topic).add(run);
  }
}

export function changed(...topics) {
  const first = dirty.size === 0;
  for (const topic of topics) dirty.add(topic);
  if (first) queueMicrotask(flush);
}

function flush() {
  const runs = new Set();
  for (const topic of dirty) for (const run of listeners.get(topic) ?? []) runs.add(run);
  dirty.clear();
  for (const run of runs) run();
}

export const me = () => state.people.get(state.me);
export const humans = () => [...state.people.values()].filter((person) => !person.is_bot);
export const threadKey = (channel, ts) => `${channel}:${ts}`;
export const botId = () => state.app?.bot_user_id;

export function personName(id) {
  const person = state.people.get(id);
  if (id === botId()) return state.app.name;
  return person ? person.real_name || person.name : id;
}

export function channelInfo(id) {
  return state.channels.find((channel) => channel.id === id) ?? state.channelsAll.get(id);
}

/** The direct channel between the person and the app, when there is one. */
export const appChannel = () =>
  state.channels.find((channel) => channel.is_im && imPartner(channel) === botId());

export function imPartner(channel) {
  if (channel.im_user && channel.im_user !== state.me) return channel.im_user;
  return (channel.members ?? []).find((id) => id !== state.me) ?? botId();
}

export function channelTitle(channel) {
  return channel.is_im ? personName(imPartner(channel)) : channel.name;
}

export const inGroup = (groupId, userId) =>
  (state.groups.get(groupId)?.users ?? state.groups.get(groupId)?.members ?? []).includes(userId);

/** What a person typed or folded on one surface (a message or a view), kept while it is redrawn. */
const surfaces = new Map();
export function surfaceState(key) {
  if (!surfaces.has(key)) surfaces.set(key, { values: new Map(), ui: new Map(), pending: new Set(), failed: new Map(), errors: {} });
  return surfaces.get(key);
}
export const forgetSurface = (key) => surfaces.delete(key);
export const forgetSurfaces = () => surfaces.clear();
