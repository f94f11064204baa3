// rich_text: what its elements say is literal; only their style and type count.
import { h } from "../dom.js";
import { emojiOf } from "../emoji.js";
import { broadcast, channelMention, dateNode, emojiNode, groupMention, lines, link, userMention } from "../mrkdwn.js";

const STYLES = [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"]];

function styled(node, style) {
  let out = node;
  for (const [name, tag] of STYLES) if (style?.[name]) out = h(tag, null, out);
  return out;
}

const INLINE = {
  text: (e) => h("span", null, lines(e.text ?? "")),
  link: (e) => link(e.url, e.text || e.url),
  emoji: (e) => emojiNode(emojiOf(e.name, e.unicode), e.name),
  user: (e) => userMention(e.user_id),
  usergroup: (e) => groupMention(e.usergroup_id),
  channel: (e) => channelMention(e.channel_id),
  broadcast: (e) => broadcast(e.range),
  date: (e) => dateNode(e.timestamp, e.format ?? "{date_short} {time}", e.fallback, e.url),
  color: (e) => h("span.color", null, h("span.color-dot", { style: { background: /^#[0-9a-f]{3,8}$/i.test(e.value) ? e.value : "transparent" } }), e.value),
  team: (e) => h("span", null, e.team_id),
};

const inline = (e) => styled((INLINE[e.type] ?? ((other) => h("span", null, other.text ?? "")))(e), e.style);
const inlines = (e) => (e.elements ?? []).map(inline);

// Lists of the same kind that follow one another with a deeper indent are shown inside.
function list(e) {
  const node = h(e.style === "ordered" ? "ol" : "ul", { class: `indent-${Math.min(e.indent ?? 0, 8)}${e.border ? " bordered" : ""}` },
    (e.elements ?? []).map((item) => h("li", null, item.type === "rich_text_section" ? inlines(item) : part(item))));
  if (e.style === "ordered" && e.offset) node.start = e.offset + 1;
  return node;
}

const PARTS = {
  rich_text_section: (e) => h("div.rich-section", null, inlines(e)),
  rich_text_quote: (e) => h("blockquote", { class: e.border ? "bordered" : "" }, inlines(e)),
  rich_text_preformatted: (e) => h("pre.code", { tabindex: "0", class: e.border ? "bordered" : "" }, (e.elements ?? []).map((item) => item.text ?? item.url ?? "").join("")),
  rich_text_list: list,
};

const part = (e) => (PARTS[e.type] ?? PARTS.rich_text_section)(e);

export const richText = (block) => h("div.rich-text", null, (block.elements ?? []).map(part));
