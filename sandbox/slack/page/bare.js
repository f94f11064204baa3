// A message as a phone shows it: no markup, mentions by name, dates as their fallback.
import { emojiChar } from "./emoji.js";
import { personName, state } from "./state.js";

export function bare(text) {
  return String(text ?? "")
    .replace(/<!date\^\d+\^[^|>]*\|([^>]*)>/g, "$1")
    .replace(/<@([UW]\w+)(?:\|([^>]*))?>/g, (_, id, label) => `@${state.people.has(id) ? personName(id) : label ?? id}`)
    .replace(/<!subteam\^(S\w+)(?:\|([^>]*))?>/g, (_, id, label) => `@${state.groups.get(id)?.handle ?? label ?? id}`)
    .replace(/<!(here|channel|everyone)[^>]*>/g, "@$1")
    .replace(/<#(C\w+)(?:\|([^>]*))?>/g, (_, id, label) => `#${state.channelsAll.get(id)?.name ?? label ?? id}`)
    .replace(/<(?:https?:|mailto:)[^|>]*\|([^>]*)>/g, "$1").replace(/<((?:https?:|mailto:)[^>]*)>/g, "$1")
    .replace(/:([a-z0-9_+-]+):/g, (whole, name) => emojiChar(name) ?? whole)
    .replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}
