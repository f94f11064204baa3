// One message: who, when, what, and what can be done with it.
import { api, HandError } from "./api.js";
import { avatar } from "./avatar.js";
import { surface } from "./blocks/act.js";
import { renderBlocks } from "./blocks/index.js";
import { h, uid } from "./dom.js";
import { emojiOf, PICKER } from "./emoji.js";
import { fileCard } from "./files.js";
import { icon } from "./icons.js";
import { language, t } from "./i18n.js";
import { mrkdwn, unescape } from "./mrkdwn.js";
import { closeButton, notify, openDialog, openMenu, openPopover } from "./overlay.js";
import { openPlace } from "./router.js";
import { botId, changed, personName, state } from "./state.js";
import { ago, clockTime, fromTs, fullTime } from "./time.js";

const author = (message) => message.user ?? (message.bot || message.bot_id ? botId() : null);
export const surfaceKey = (channel, message) => `message:${channel}:${message.ts}`;

/** Two messages of one person within five minutes share one head. */
export const follows = (message, previous) =>
  previous && !previous.ephemeral && !message.ephemeral && !message.local && author(message) === author(previous)
  && Number(message.ts) - Number(previous.ts) < 300 && !previous.reply_count && author(message) !== botId();

/** What the message looks like depends on: the page redraws it only when this changes. */
export const signature = (message, extra) => JSON.stringify([message, extra, language(), state.me]);

export function renderMessage(message, { channel, inThread = false, compact = false }) {
  const who = author(message);
  const name = message.username || (state.people.has(who) || who === botId() ? personName(who) : message.name ?? personName(who));
  const content = h("div.message-content", null, body(message, channel), message.edited_ts || message.edited ? h("span.edited", { title: message.edited_ts ? fullTime(fromTs(message.edited_ts)) : null }, t("edited")) : null);
  const node = h("article.message", {
    class: [compact ? "compact" : "", message.ephemeral || message.local ? "ephemeral" : "", mentionsMe(message) ? "mentioned" : ""].join(" "),
    dataset: { ts: message.ts, fk: `message/${inThread ? "t" : "c"}/${message.ts}` }, tabindex: "-1",
    "aria-label": `${name}, ${clockTime(fromTs(message.ts))}`,
  },
  h("div.gutter", null, compact ? h("span.gutter-time", { "aria-hidden": "true" }, clockTime(fromTs(message.ts))) : avatar(who, 36, name)),
  h("div.message-body", null,
    message.ephemeral || message.local ? ephemeralNote(message, channel) : null,
    compact ? null : h("div.meta", null, h("span.author", null, name), who === botId() || message.local ? h("span.app-badge", null, t("app")) : null,
      h("time.stamp", { datetime: fromTs(message.ts).toISOString(), title: fullTime(fromTs(message.ts)) }, clockTime(fromTs(message.ts)))),
    content,
    (message.files ?? []).length ? h("div.files", null, message.files.map(fileCard)) : null,
    reactions(message, channel),
    !inThread && message.reply_count ? threadSummary(message, channel) : null),
  message.ephemeral || message.local ? null : toolbar(message, channel, inThread));
  return node;
}

function body(message, channel) {
  if (message.deleted) return h("p.gone", null, t("deletedMessage"));
  if (message.local) return h("div.text", null, message.text);
  return [said(message, channel), attachments(message, channel)];
}

function said(message, channel) {
  if (!message.blocks?.length) return message.text ? h("div.text", null, mrkdwn(message.text)) : null;
  const ctx = surface("message", surfaceKey(channel, message), { channel, ts: message.ts });
  ctx.files = message.files;
  ctx.blocks = message.blocks;
  return h("div.blocks", null, renderBlocks(message.blocks, ctx));
}

// Attachments stand below with a bar of their colour.
function attachments(message, channel) {
  return (message.attachments ?? []).map((item, i) => {
    const ctx = surface("message", `${surfaceKey(channel, message)}:${i}`, { channel, ts: message.ts });
    ctx.blocks = item.blocks;
    const colour = /^#?[0-9a-f]{6}$/i.test(item.color ?? "") ? `#${item.color.replace("#", "")}` : null;
    return h("div.attachment", { style: colour ? { "border-left-color": colour } : {} },
      item.blocks ? h("div.blocks", null, renderBlocks(item.blocks, ctx)) : h("div.text", null, mrkdwn(item.text ?? item.fallback ?? "")));
  });
}

const mentionsMe = (message) => message.user !== state.me && typeof message.text === "string" && message.text.includes(`<@${state.me}>`);

function ephemeralNote(message, channel) {
  const dismiss = () => {
    if (message.local) {
      for (const [key, list] of state.local) state.local.set(key, list.filter((entry) => entry.ts !== message.ts));
    } else dismissed.add(`${state.me}/${channel}/${message.ts}`);
    changed("messages", "thread");
  };
  return h("div.ephemeral-note", null, icon("eye", 14), h("span", null, t("onlyYou")), h("button.link-button", { type: "button", onclick: dismiss }, t("dismiss")));
}

const dismissed = new Set();
export const isDismissed = (channel, message) => dismissed.has(`${state.me}/${channel}/${message.ts}`);

function reactions(message, channel) {
  const list = (message.reactions ?? []).filter((reaction) => reaction.users.length);
  if (!list.length) return null;
  return h("div.reactions", null, list.map((reaction) => {
    const own = reaction.users.includes(state.me);
    const names = reaction.users.map((id) => (id === state.me ? t("you") : personName(id)));
    const label = t("reactedWith", { names: names.join(t("and")), emoji: `:${reaction.name}:` });
    return h("button.reaction", {
      type: "button", class: own ? "own" : "", "aria-pressed": String(own), "aria-label": label, title: label, dataset: { fk: `react/${message.ts}/${reaction.name}` },
      onclick: () => react(channel, message, reaction.name, own),
    }, h("span", { "aria-hidden": "true" }, emojiOf(reaction.name)), h("span", null, String(reaction.count ?? reaction.users.length)));
  }));
}

async function react(channel, message, name, remove = false) {
  try {
    await api.react({ as: state.me, channel, ts: message.ts, name, ...(remove ? { remove: true } : {}) });
  } catch (error) {
    if (error.code !== "already_reacted") failed(error);
  }
}

function failed(error) {
  if (!(error instanceof HandError)) throw error;
  notify(t("actionFailed", { error: error.code }), { alert: true });
}

function threadSummary(message, channel) {
  const faces = [...new Set(message.reply_users ?? [])].slice(0, 4);
  return h("button.thread-summary", { type: "button", dataset: { fk: `summary/${message.ts}` }, onclick: () => openPlace({ kind: "channel", id: channel }, { thread: message.ts }) },
    faces.map((id) => avatar(id, 22)),
    h("span.reply-count", null, t("replies", { n: message.reply_count })),
    message.latest_reply ? h("span.reply-last", null, t("lastReply", { ago: ago(fromTs(message.latest_reply)) })) : null,
    h("span.reply-view", null, t("viewThread"), " ", icon("right", 14)));
}

function toolbar(message, channel, inThread) {
  const threadTs = message.thread_ts ?? message.ts;
  const more = h("button.icon-button.message-more", {
    type: "button", "aria-label": t("moreActions"), title: t("moreActions"), "aria-haspopup": "menu", "aria-expanded": "false", dataset: { fk: `more/${inThread ? "t" : "c"}/${message.ts}` },
    onclick: () => openMenu(more, t("messageActions"), menuItems(message, channel, inThread)),
  }, icon("more"));
  const button = (label, content, run) => h("button.icon-button.wide-only", { type: "button", "aria-label": label, title: label, onclick: run }, content);
  const smile = h("button.icon-button.wide-only", {
    type: "button", "aria-label": t("addReaction"), title: t("addReaction"), "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => pickEmoji(smile, (name) => react(channel, message, name)),
  }, icon("smile"));
  return h("div.toolbar", { role: "group", "aria-label": t("messageActions") },
    button(t("pinNote"), "📌", () => react(channel, message, "pushpin")), smile,
    inThread ? null : button(t("replyInThread"), icon("thread"), () => openPlace({ kind: "channel", id: channel }, { thread: threadTs, focus: true })), more);
}

function menuItems(message, channel, inThread) {
  const shortcuts = (state.app?.shortcuts ?? []).filter((item) => item.type === "message" || item.type === "message_action");
  return [
    { label: t("pinNote"), run: () => react(channel, message, "pushpin") },
    { label: t("addReaction"), run: () => pickEmoji(document.activeElement, (name) => react(channel, message, name)) },
    ...(inThread ? [] : [{ label: t("replyInThread"), run: () => openPlace({ kind: "channel", id: channel }, { thread: message.thread_ts ?? message.ts, focus: true }) }]),
    { label: t("copyLink"), run: () => copyLink(message, channel) },
    ...(message.user === state.me ? [{ label: t("editMessage"), run: () => editMessage(message, channel) }] : []),
    ...(shortcuts.length ? [{ heading: state.app.name }] : []),
    ...shortcuts.map((item) => ({ label: item.name, description: item.description, lead: avatar(botId(), 20), run: () => runShortcut(item, message, channel) })),
  ];
}

async function runShortcut(item, message, channel) {
  try {
    await api.shortcut({ as: state.me, callback_id: item.callback_id, channel, ts: message.ts });
  } catch (error) {
    failed(error);
  }
}

async function copyLink(message, channel) {
  const thread = message.thread_ts && message.thread_ts !== message.ts ? `?thread_ts=${message.thread_ts}&cid=${channel}` : "";
  try {
    await navigator.clipboard.writeText(`${location.origin}/archives/${channel}/p${message.ts.replace(".", "")}${thread}`);
    notify(t("copied"), { seconds: 3 });
  } catch {
    // The browser refused the clipboard; nothing was copied and nothing is claimed.
  }
}

function editMessage(message, channel) {
  const title = uid("edit");
  const field = h("textarea.field", { rows: "4", value: unescape(message.text ?? ""), "aria-labelledby": title });
  const save = async () => {
    try {
      await api.edit({ as: state.me, channel, ts: message.ts, text: field.value });
      handle.close();
    } catch (error) {
      failed(error);
    }
  };
  const handle = openDialog({
    labelledby: title, initial: () => field,
    content: h("div.dialog-frame", null, h("header.dialog-head", null, h("h2", { id: title }, t("editMessage")), closeButton(() => handle.close())),
      h("div.dialog-body", null, field),
      h("footer.dialog-foot", null, h("button.button", { type: "button", onclick: () => handle.close() }, t("cancel")), h("button.button.primary", { type: "button", onclick: save }, t("save")))),
  });
}

export function pickEmoji(anchor, run) {
  const grid = h("div.emoji-grid", { role: "group", "aria-label": t("emojiPicker") }, PICKER.map((name) =>
    h("button", { type: "button", "aria-label": name.replaceAll("_", " "), title: `:${name}:`, onclick: () => { handle.close(true); run(name); } }, emojiOf(name))));
  const handle = openPopover(anchor, grid, { align: "end" });
  const buttons = [...grid.children];
  grid.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
    if (!step) return;
    event.preventDefault();
    buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
  });
  buttons[0].focus();
}
