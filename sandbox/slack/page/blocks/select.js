// Selects over options, people, conversations, channels and the app's own answers, single and multi.
import { avatar } from "../avatar.js";
import { h, replace, uid } from "../dom.js";
import { icon } from "../icons.js";
import { t, titleOf } from "../i18n.js";
import { plain } from "../mrkdwn.js";
import { channelInfo, channelTitle, humans, personName, state } from "../state.js";
import { control, nameOf } from "./act.js";
import { openListbox } from "./listbox.js";
import { currentValue, fieldsOf, selectKind, setValue } from "./values.js";

const fromOption = (option) => ({ value: option.value, label: plain(option.text), description: plain(option.description) || null, stored: option });
const fromPerson = (person) => ({ value: person.id, label: personName(person.id), description: titleOf(person), lead: avatar(person.id, 20), stored: person.id });
const fromChannel = (channel) => ({
  value: channel.id, label: channelTitle(channel), stored: channel.id,
  lead: channel.is_im ? avatar(channel.im_user, 20) : icon(channel.is_private ? "lock" : "hash", 16),
});

function optionGroups(element) {
  if (element.option_groups) return element.option_groups.map((group) => ({ label: plain(group.label), options: group.options.map(fromOption) }));
  return [{ options: (element.options ?? []).map(fromOption) }];
}

function conversations(element) {
  const include = element.filter?.include ?? ["public", "private", "im", "mpim"];
  return state.channels.filter((channel) => include.includes(channel.is_im ? "im" : channel.is_private ? "private" : "public"))
    .filter((channel) => !(channel.is_im && element.filter?.exclude_bot_users && state.people.get(channel.im_user)?.is_bot));
}

const SOURCES = {
  static: { groups: optionGroups, placeholder: "choose" },
  external: { groups: () => [], placeholder: "choose" },
  users: { groups: () => [{ options: humans().map(fromPerson) }], placeholder: "chooseUser" },
  conversations: { groups: (element) => [{ options: conversations(element).map(fromChannel) }], placeholder: "chooseChannel" },
  channels: { groups: () => [{ options: state.channels.filter((channel) => !channel.is_im && !channel.is_private).map(fromChannel) }], placeholder: "chooseChannel" },
};

// The text of a value: an option carries its own, an id is looked up.
function labelOf(source, stored) {
  if (source === "static" || source === "external") return plain(stored.text);
  if (source === "users") return personName(stored);
  const channel = channelInfo(stored);
  return channel ? channelTitle(channel) : stored;
}
const keyOf = (stored) => (typeof stored === "string" ? stored : stored.value);

async function loadOptions(ctx, blockId, element, text) {
  const answer = await ctx.suggest(blockId, element, text);
  if (answer.option_groups) return answer.option_groups.map((group) => ({ label: plain(group.label), options: group.options.map(fromOption) }));
  return [{ options: (answer.options ?? []).map(fromOption) }];
}

export function select(element, ctx, blockId, { label = null, describedby = null, dispatch = true } = {}) {
  const { source, many } = selectKind(element.type);
  const focusKey = ctx.fk(blockId, element);
  const read = () => {
    const value = currentValue(ctx, blockId, element) ?? (element.default_to_current_conversation && state.place?.kind === "channel" ? (many ? [state.place.id] : state.place.id) : null);
    return many ? value ?? [] : value ? [value] : [];
  };
  const placeholder = plain(element.placeholder) || t(SOURCES[source].placeholder);
  const shown = h("span.select-value", { id: uid("value") });
  const chips = many ? h("span.chips") : null;
  const trigger = h("button.select", {
    type: "button", "aria-haspopup": "listbox", "aria-expanded": "false", dataset: { fk: focusKey, action: element.action_id },
    "aria-labelledby": label ? `${label} ${shown.id}` : null, "aria-describedby": describedby, onclick: () => open(),
  }, shown, icon("down", 16));

  function paint() {
    const stored = read();
    shown.textContent = stored.length && !many ? labelOf(source, stored[0]) : placeholder;
    shown.classList.toggle("placeholder", !stored.length || many);
    if (!label) trigger.setAttribute("aria-label", `${nameOf(element, placeholder)}${stored.length ? `: ${stored.map((entry) => labelOf(source, entry)).join(", ")}` : ""}`);
    if (many) {
      replace(chips, stored.map((entry) => h("span.chip", null, labelOf(source, entry), h("button", {
        type: "button", "aria-label": t("remove", { name: labelOf(source, entry) }),
        onclick: () => { store(read().filter((other) => keyOf(other) !== keyOf(entry))); send(); trigger.focus(); },
      }, icon("close", 12)))));
    }
  }
  function store(list) {
    setValue(ctx, blockId, element, many ? list : list[0] ?? null);
    paint();
  }
  function send() {
    if (dispatch) ctx.act(blockId, element, { [fieldsOf(element.type)[0]]: many ? read() : read()[0] ?? null }, focusKey);
  }
  function open() {
    const before = read().map(keyOf).join();
    const chosen = new Set(read().map(keyOf));
    openListbox(trigger, {
      label: nameOf(element, placeholder), multi: many, chosen,
      groups: () => SOURCES[source].groups(element),
      load: source === "external" ? (text) => loadOptions(ctx, blockId, element, text) : null,
      minQuery: source === "external" ? element.min_query_length ?? 3 : 0,
      onPick: (option) => {
        if (!many) { store([option.stored]); queueMicrotask(send); return false; }
        if (chosen.has(option.value)) chosen.delete(option.value);
        else if (chosen.size < (element.max_selected_items ?? Infinity)) chosen.add(option.value);
        const kept = read().filter((entry) => chosen.has(keyOf(entry)));
        if (chosen.has(option.value) && !kept.some((entry) => keyOf(entry) === option.value)) kept.push(option.stored);
        store(kept);
        return true;
      },
      onClose: () => { if (many && read().map(keyOf).join() !== before) send(); },
    });
  }
  paint();
  const node = many ? h("span.multi", null, chips, trigger) : trigger;
  return control(ctx, focusKey, node);
}
