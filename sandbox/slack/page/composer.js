// Where a person writes: messages, mentions, slash commands, files.
import { api, HandError } from "./api.js";
import { avatar } from "./avatar.js";
import { readFile } from "./blocks/inputs.js";
import { h, replace, uid } from "./dom.js";
import { icon } from "./icons.js";
import { t, titleOf } from "./i18n.js";
import { changed, humans, personName, state } from "./state.js";

const drafts = new Map();
const MAX_HEIGHT = 180;

/** What only this page says to the person: failures of commands and messages, as Slackbot says them. */
export function sayLocally(key, text) {
  const list = state.local.get(key) ?? [];
  list.push({ ts: (Date.now() / 1000 + list.length / 1e6).toFixed(6), text, user: "USLACKBOT", name: t("slackbot"), local: true });
  state.local.set(key, list);
  changed("messages", "thread");
}

const COMMAND_ERRORS = {
  unknown_command: "commandUnknown", invalid_command: "commandUnknown", not_a_command: "commandUnknown",
  not_allowed_in_thread: "commandInThread", command_in_thread: "commandInThread", not_supported_in_threads: "commandInThread", thread_not_supported: "commandInThread",
};

function mentionEntries() {
  return [
    ...humans().map((person) => ({ shown: `@${personName(person.id)}`, stored: `<@${person.id}>`, note: titleOf(person), lead: avatar(person.id, 22) })),
    { shown: `@${state.app?.name}`, stored: `<@${state.app?.bot_user_id}>`, note: t("app"), lead: avatar(state.app?.bot_user_id, 22) },
    ...[...state.groups.values()].map((group) => ({ shown: `@${group.handle ?? group.name}`, stored: `<!subteam^${group.id}>`, note: t("groupMention"), lead: icon("at") })),
    { shown: "@here", stored: "<!here>", note: t("here"), lead: icon("at") },
    { shown: "@channel", stored: "<!channel>", note: t("channelMention"), lead: icon("at") },
  ];
}
const channelEntries = () => state.channels.filter((channel) => !channel.is_im).map((channel) => ({
  shown: `#${channel.name}`, stored: `<#${channel.id}>`, note: "", lead: icon(channel.is_private ? "lock" : "hash"),
}));
const commandEntries = () => (state.app?.commands ?? []).map((command) => ({
  shown: command.command, note: [command.usage_hint, command.description].filter(Boolean).join(" · "), lead: avatar(state.app.bot_user_id, 22),
}));

/** `target()` names channel and thread; `key` is where drafts and local answers belong. */
export function createComposer({ key, target, placeholder }) {
  const draft = drafts.get(key) ?? { text: "", picked: new Map(), files: [] };
  drafts.set(key, draft);
  const listId = uid("suggest");
  const list = h("ul.suggest", { role: "listbox", id: listId, hidden: true });
  let entries = [];
  let active = 0;
  let span = null;
  const field = h("textarea.composer-field", {
    rows: "1", value: draft.text, placeholder, "aria-label": placeholder, "aria-autocomplete": "list", "aria-controls": listId, dataset: { fk: `composer/${key}` },
  });
  const sendButton = h("button.send", { type: "button", "aria-label": t("send"), title: t("send"), onclick: () => send() }, icon("send"));
  const chooser = h("input", { type: "file", multiple: true, hidden: true, "aria-label": t("attach"), onchange: attach });
  const attached = h("div.attached");
  const node = h("div.composer", { role: "group", "aria-label": placeholder }, list,
    h("div.composer-frame", null, attached,
      h("div.composer-row", null,
        h("button.icon-button", { type: "button", "aria-label": t("attach"), title: t("attach"), onclick: () => chooser.click() }, icon("clip")), chooser, field, sendButton)));

  function grow() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, MAX_HEIGHT)}px`;
    sendButton.disabled = !field.value.trim() && !draft.files.length;
  }

  async function attach() {
    for (const file of chooser.files) draft.files.push(await readFile(file));
    chooser.value = "";
    drawFiles();
  }
  function drawFiles() {
    replace(attached, draft.files.map((file) => h("span.chip", null, file.name, h("button", {
      type: "button", "aria-label": t("remove", { name: file.name }), onclick: () => { draft.files.splice(draft.files.indexOf(file), 1); drawFiles(); },
    }, icon("close", 12)))));
    grow();
  }

  function suggest() {
    const before = field.value.slice(0, field.selectionStart);
    const command = /^\/\S*$/.exec(before);
    const word = /(?:^|\s)([@#])([^\s@#]*)$/.exec(before);
    let title = "";
    entries = [];
    if (command && field.value === before) {
      title = t("commands");
      span = [0, before.length];
      entries = commandEntries().filter((entry) => entry.shown.startsWith(before.toLowerCase()));
    } else if (word) {
      title = word[1] === "@" ? t("mentionList") : t("channels");
      span = [before.length - word[2].length - 1, before.length];
      const low = word[2].toLowerCase();
      entries = (word[1] === "@" ? mentionEntries() : channelEntries()).filter((entry) => entry.shown.slice(1).toLowerCase().startsWith(low));
    }
    list.hidden = !entries.length;
    list.setAttribute("aria-label", title);
    active = 0;
    replace(list, entries.map((entry, i) => h("li", {
      role: "option", id: `${listId}-${i}`, "aria-selected": String(i === 0), onpointerdown: (event) => { event.preventDefault(); take(i); },
    }, h("span.suggest-lead", null, entry.lead), h("span.suggest-name", null, entry.shown), h("span.suggest-note", null, entry.note))));
    mark();
  }
  function mark() {
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === active)));
    if (entries.length) {
      field.setAttribute("aria-activedescendant", `${listId}-${active}`);
      list.children[active]?.scrollIntoView({ block: "nearest" });
    } else field.removeAttribute("aria-activedescendant");
  }
  function hide() {
    list.hidden = true;
    entries = [];
    mark();
  }
  function take(index) {
    const entry = entries[index];
    if (entry.stored) draft.picked.set(entry.shown, entry.stored);
    field.setRangeText(`${entry.shown} `, span[0], span[1], "end");
    draft.text = field.value;
    hide();
    grow();
    field.focus();
  }

  // A name that was picked from the list becomes a mention; the server escapes all the rest.
  function encode(text) {
    const names = [...draft.picked.keys()].sort((a, b) => b.length - a.length);
    if (!names.length) return text;
    const pattern = new RegExp(`(${names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})(?![\\p{L}\\p{N}_])`, "u");
    return text.split(pattern).map((piece) => draft.picked.get(piece) ?? piece).join("");
  }

  async function send() {
    const text = field.value.trim();
    const files = draft.files;
    if (!text && !files.length) return;
    const restore = { text: field.value, files: [...files] };
    const stored = encode(field.value.replace(/\s+$/, ""));
    clear();
    if (text.startsWith("/") && restore.text.startsWith("/") && !files.length) {
      await runCommand(text);
      return;
    }
    try {
      await api.say({ as: state.me, ...target(), text: stored, ...(restore.files.length ? { files: restore.files } : {}) });
      draft.picked.clear();
    } catch (error) {
      if (!(error instanceof HandError)) throw error;
      if (!field.value) { field.value = restore.text; draft.text = restore.text; draft.files = restore.files; drawFiles(); }
      sayLocally(key, t("sayFailed", { error: error.code }));
    }
  }
  function clear() {
    field.value = "";
    draft.text = "";
    draft.files = [];
    drawFiles();
    hide();
  }

  async function runCommand(text) {
    const command = text.split(/\s/, 1)[0];
    try {
      await api.command({ as: state.me, ...target(), command, text: text.slice(command.length).trim() });
    } catch (error) {
      if (!(error instanceof HandError)) throw error;
      const message = COMMAND_ERRORS[error.code] ?? (target().thread_ts ? "commandInThread" : "commandFailed");
      sayLocally(key, t(message, { command, error: error.code }));
      if (message === "commandUnknown" || message === "commandInThread") { field.value = text; draft.text = text; grow(); }
    }
  }

  field.addEventListener("input", () => { draft.text = field.value; grow(); suggest(); });
  field.addEventListener("blur", hide);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const open = entries.length > 0;
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      active = (active + (event.key === "ArrowDown" ? 1 : entries.length - 1)) % entries.length;
      mark();
    } else if (open && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      hide();
    } else if (open && (event.key === "Tab" || event.key === "Enter") && !event.shiftKey && entries[active].shown !== field.value.trim()) {
      event.preventDefault();
      take(active);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  });
  requestAnimationFrame(() => drawFiles());
  return { node, field, focus: () => field.focus() };
}
