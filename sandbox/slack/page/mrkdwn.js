// Slack's mrkdwn as DOM nodes. Nothing in a text is ever read as HTML.
import { h, safeUrl } from "./dom.js";
import { emojiChar, withEmoji } from "./emoji.js";
import { t, titleOf } from "./i18n.js";
import { openPlace } from "./router.js";
import { channelInfo, inGroup, personName, state } from "./state.js";
import { fullTime, slackDate } from "./time.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
export const unescape = (text) => text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);

const WORD = /[\p{L}\p{N}_]/u;
const MARKS = { "*": "strong", _: "em", "~": "s" };
const BARE_URL = /^https?:\/\/(?:(?!&[lg]t;)[^\s<>|])+/;
const URL_TAIL = /[.,;:!?'")\]}。，、；：！？」）]+$/;
const EMOJI = /^:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):/;

/** A text object of Block Kit: plain_text stays literal but for emoji, mrkdwn is parsed. */
export function textObject(object) {
  if (!object) return [];
  if (object.type === "plain_text") return lines(object.emoji === false ? object.text : withEmoji(object.text));
  return mrkdwn(object.text, { verbatim: object.verbatim === true });
}

export const plain = (object) => (object ? (object.type === "plain_text" ? withEmoji(object.text) : object.text) : "");

/** Text whose line breaks are kept. */
export function lines(text) {
  return text.split("\n").flatMap((line, i) => (i ? [h("br"), line] : [line]));
}

export function mrkdwn(text, { verbatim = false } = {}) {
  const out = [];
  const parts = String(text ?? "").split("```");
  parts.forEach((part, i) => {
    const closed = i < parts.length - 1 || parts.length % 2 === 1;
    if (i % 2 === 1 && closed) out.push(h("pre.code", { tabindex: "0" }, codeText(part.replace(/^\n/, "").replace(/\n$/, ""))));
    else if (part) out.push(...quoted(i % 2 === 1 ? "```" + part : trimAround(part, i, parts.length), verbatim));
  });
  return out;
}

// A line break that stands beside a code block belongs to the block.
function trimAround(part, index, count) {
  let text = part;
  if (index > 0) text = text.replace(/^\n/, "");
  if (index < count - 1) text = text.replace(/\n$/, "");
  return text;
}

function quoted(text, verbatim) {
  const out = [];
  let quote = [];
  let plainLines = [];
  const flushPlain = () => {
    if (plainLines.length) plainLines.forEach((line, i) => out.push(...(i ? [h("br")] : []), ...inline(line, verbatim)));
    plainLines = [];
  };
  const flushQuote = () => {
    if (quote.length) out.push(h("blockquote", null, quote.map((line, i) => [i ? h("br") : null, inline(line, verbatim)])));
    quote = [];
  };
  for (const line of text.split("\n")) {
    const match = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (match && !line.startsWith("<")) {
      flushPlain();
      quote.push(match[1]);
    } else {
      if (quote.length) flushQuote();
      plainLines.push(line);
    }
  }
  flushQuote();
  flushPlain();
  return out;
}

function inline(text, verbatim) {
  const out = [];
  let buffer = "";
  const flush = () => {
    if (buffer) out.push(buffer);
    buffer = "";
  };
  let i = 0;
  while (i < text.length) {
    const hit = special(text, i, verbatim);
    if (hit) {
      flush();
      out.push(hit.node);
      i = hit.end;
    } else {
      buffer += text[i];
      i += 1;
    }
  }
  flush();
  return out;
}

function special(text, i, verbatim) {
  const char = text[i];
  if (char === "<") return token(text, i);
  if (char === "&") return entity(text, i);
  if (char === "`") return inlineCode(text, i);
  if (char === ":") return emoji(text, i);
  if (char in MARKS) return marked(text, i, verbatim);
  if (char === "h" && !verbatim && !WORD.test(text[i - 1] ?? " ")) return bareUrl(text, i);
  return null;
}

function token(text, i) {
  const end = text.indexOf(">", i);
  const node = end > i + 1 ? reference(text.slice(i + 1, end)) : null;
  return node ? { node, end: end + 1 } : null;
}

function entity(text, i) {
  const match = /^&(?:amp|lt|gt);/.exec(text.slice(i, i + 5));
  return match ? { node: document.createTextNode(ENTITIES[match[0]]), end: i + match[0].length } : null;
}

function inlineCode(text, i) {
  const end = text.indexOf("`", i + 1);
  if (end <= i + 1) return null;
  return { node: h("code", null, codeText(text.slice(i + 1, end))), end: end + 1 };
}

// In code, a link shows its address and nothing pings.
const codeText = (text) => unescape(text.replace(/<(https?:[^>|]+)(?:\|([^>]*))?>/g, (_, url, label) => label ?? url));

function emoji(text, i) {
  const match = EMOJI.exec(text.slice(i, i + 80));
  const char = match && emojiChar(match[1]);
  return char ? { node: emojiNode(char, match[1]), end: i + match[0].length } : null;
}

export const emojiNode = (char, name) => h("span.emoji", { role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` }, char);

// A mark opens before a non-space after a non-word, and closes after a non-space before a non-word.
function marked(text, i, verbatim) {
  const mark = text[i];
  if (WORD.test(text[i - 1] ?? " ") || /[\s*_~]/.test(text[i + 1] ?? " ") && text[i + 1] !== "_" && text[i + 1] !== "*" && text[i + 1] !== "~") return null;
  if (text[i + 1] === mark) return null;
  for (let end = text.indexOf(mark, i + 2); end > 0; end = text.indexOf(mark, end + 1)) {
    if (!/\s/.test(text[end - 1]) && !WORD.test(text[end + 1] ?? " ") && !insideToken(text, i, end)) {
      return { node: h(MARKS[mark], null, inline(text.slice(i + 1, end), verbatim)), end: end + 1 };
    }
  }
  return null;
}

const insideToken = (text, start, at) => text.lastIndexOf("<", at) > Math.max(start, text.lastIndexOf(">", at)) && text.indexOf(">", at) > 0;

function bareUrl(text, i) {
  const match = BARE_URL.exec(text.slice(i))?.[0].replace(URL_TAIL, "");
  if (!match || !/^https?:\/\/[^/]/.test(match)) return null;
  return { node: link(unescape(match), unescape(match)), end: i + match.length };
}

/** What stands between < and >: a link, a mention, a date. Null: it stays text. */
function reference(body) {
  const bar = body.indexOf("|");
  const target = bar < 0 ? body : body.slice(0, bar);
  const label = bar < 0 ? null : unescape(body.slice(bar + 1));
  if (/^@[UWB]/.test(target)) return userMention(target.slice(1), label);
  if (/^#[CDG]/.test(target)) return channelMention(target.slice(1), label);
  if (target.startsWith("!date^")) return dateToken(target, label);
  if (target.startsWith("!subteam^")) return groupMention(target.slice(9), label);
  if (/^!(here|channel|everyone)\b/.test(target)) return broadcast(target.slice(1).split("^")[0]);
  if (/^(https?:|mailto:|tel:)/i.test(target)) return link(unescape(target), label ?? unescape(target).replace(/^(mailto|tel):/, ""));
  return null;
}

export function userMention(id, label) {
  const name = state.people.has(id) || id === state.app?.bot_user_id ? personName(id) : label ?? id;
  return h("span.mention", { class: id === state.me ? "mine" : "", title: state.people.has(id) ? titleOf(state.people.get(id)) : null }, `@${name}`);
}

export function groupMention(id, label) {
  const group = state.groups.get(id);
  const name = group?.handle ?? group?.name ?? label?.replace(/^@/, "") ?? id;
  return h("span.mention", { class: inGroup(id, state.me) ? "mine" : "" }, `@${name}`);
}

export const broadcast = (range) => h("span.mention.mine", null, `@${range}`);

export function channelMention(id, label) {
  const channel = channelInfo(id);
  const seen = state.channels.some((entry) => entry.id === id);
  if (!channel && !label) return h("span.mention", null, t("privateChannel"));
  const text = `#${channel?.name ?? label}`;
  if (!seen) return h("span.mention", null, text);
  return h("a.mention", { href: `#/${id}`, onclick: (event) => { event.preventDefault(); openPlace({ kind: "channel", id }); } }, text);
}

function dateToken(target, label) {
  const [, stamp, pattern, url] = target.split("^");
  return dateNode(stamp, pattern ?? "{date}", label, url);
}

export function dateNode(stamp, pattern, fallback, url) {
  const text = slackDate(stamp, unescape(pattern)) ?? fallback ?? String(stamp);
  const node = h("time", { datetime: new Date(Number(stamp) * 1000).toISOString(), title: fullTime(new Date(Number(stamp) * 1000)) }, text);
  return url ? link(unescape(url), node) : node;
}

/** A link opens in a new tab; one that points to a message of this workspace opens it here. */
export function link(url, label) {
  const href = safeUrl(url);
  if (!href) return h("span", null, label);
  const inside = /\/archives\/([CDG]\w+)(?:\/p(\d{10})(\d{6}))?/.exec(href);
  if (inside && (new URL(href).origin === location.origin || /\.slack\.com$/.test(new URL(href).hostname))) {
    const thread = new URL(href).searchParams.get("thread_ts");
    const ts = inside[2] ? `${inside[2]}.${inside[3]}` : null;
    return h("a", { href, onclick: (event) => { event.preventDefault(); openPlace({ kind: "channel", id: inside[1] }, { ts, thread }); } }, label);
  }
  return h("a", { href, target: "_blank", rel: "noopener noreferrer" }, label);
}
