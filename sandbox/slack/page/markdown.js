// Standard Markdown as DOM nodes: the `markdown` block.
import { h, safeUrl } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { dateNode, link, userMention } from "./mrkdwn.js";

const RULES = [
  { open: /^`([^`]+)`/, make: (m) => h("code", null, m[1]) },
  { open: /^\*\*(?=\S)([\s\S]*?\S)\*\*(?!\*)/, make: (m) => h("strong", null, spans(m[1])) },
  { open: /^__(?=\S)([\s\S]*?\S)__(?!\w)/, make: (m) => h("strong", null, spans(m[1])), word: true },
  { open: /^~~(?=\S)([\s\S]*?\S)~~/, make: (m) => h("s", null, spans(m[1])) },
  { open: /^\*(?=[^\s*])([\s\S]*?[^\s*])\*(?!\*)/, make: (m) => h("em", null, spans(m[1])) },
  { open: /^_(?=[^\s_])([\s\S]*?[^\s_])_(?!\w)/, make: (m) => h("em", null, spans(m[1])), word: true },
  { open: /^!\[([^\]]*)\]\(([^)\s]+)\)/, make: (m) => (safeUrl(m[2]) ? h("img", { src: safeUrl(m[2]), alt: m[1] }) : h("span", null, m[1])) },
  { open: /^\[([^\]]+)\]\(([^)\s]+)(?:\s+"[^"]*")?\)/, make: (m) => link(m[2], h("span", null, spans(m[1]))) },
  { open: /^<(https?:[^>\s]+)>/, make: (m) => link(m[1], m[1]) },
  { open: /^<@([UW]\w+)>/, make: (m) => userMention(m[1]) },
  { open: /^<!date\^(\d+)\^([^|^>]+)(?:\^[^|>]*)?(?:\|([^>]*))?>/, make: (m) => dateNode(m[1], m[2], m[3]) },
  { open: /^https?:\/\/[^\s<>)]+[^\s<>).,;:!?]/, make: (m) => link(m[0], m[0]), word: true },
  { open: /^\\([\\`*_{}[\]()#+\-.!|~>])/, make: (m) => document.createTextNode(m[1]) },
];

/** Inline Markdown. */
export function spans(text) {
  const out = [];
  let buffer = "";
  const flush = () => {
    if (buffer) out.push(...withEmoji(buffer).split("\n").flatMap((line, i) => (i ? [h("br"), line] : [line])));
    buffer = "";
  };
  for (let i = 0; i < text.length;) {
    const rest = text.slice(i);
    const boundary = !/[\p{L}\p{N}]/u.test(text[i - 1] ?? " ");
    let hit = null;
    if (/[`*_~!\[<h\\]/.test(text[i])) {
      for (const rule of RULES) {
        if (rule.word && !boundary) continue;
        const match = rule.open.exec(rest);
        if (match) { hit = { match, rule }; break; }
      }
    }
    if (!hit) { buffer += text[i]; i += 1; continue; }
    flush();
    out.push(hit.rule.make(hit.match));
    i += hit.match[0].length;
  }
  flush();
  return out;
}

const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const TABLE_RULE = /^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/;

export function markdown(text) {
  const source = String(text ?? "").replace(/\r\n?/g, "\n").split("\n");
  const out = [];
  let i = 0;
  const take = (test) => {
    const taken = [];
    while (i < source.length && test(source[i])) taken.push(source[i++]);
    return taken;
  };
  while (i < source.length) {
    const line = source[i];
    if (!line.trim()) { i += 1; continue; }
    const fence = /^\s*(```|~~~)/.exec(line);
    if (fence) {
      i += 1;
      const code = take((l) => !l.trim().startsWith(fence[1]));
      i += 1;
      out.push(h("pre.code", { tabindex: "0" }, code.join("\n")));
      continue;
    }
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    if (heading) { i += 1; out.push(h("p.md-heading", { role: "heading", "aria-level": String(Math.min(6, heading[1].length + 2)), class: `md-h${heading[1].length}` }, spans(heading[2]))); continue; }
    if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) { i += 1; out.push(h("hr")); continue; }
    if (/^\s*>/.test(line)) { out.push(h("blockquote", null, markdown(take((l) => /^\s*>/.test(l)).map((l) => l.replace(/^\s*> ?/, "")).join("\n")))); continue; }
    if (line.includes("|") && TABLE_RULE.test(source[i + 1] ?? "")) { out.push(table(take((l) => l.includes("|")))); continue; }
    if (ITEM.test(line)) { out.push(list(take((l) => ITEM.test(l) || (/^\s{2,}\S/.test(l) && l.trim())))); continue; }
    out.push(h("p", null, spans(take((l) => l.trim() && !/^(#{1,6}\s|\s*>|\s*(```|~~~))/.test(l) && !ITEM.test(l)).join("\n"))));
  }
  return out;
}

function list(rows) {
  const base = ITEM.exec(rows[0])[1].length;
  const node = h(/\d/.test(ITEM.exec(rows[0])[2]) ? "ol" : "ul");
  if (node.tagName === "OL") node.start = parseInt(ITEM.exec(rows[0])[2], 10);
  for (let i = 0; i < rows.length;) {
    const match = ITEM.exec(rows[i]);
    const inner = [];
    let text = match ? match[3] : rows[i].trim();
    i += 1;
    while (i < rows.length) {
      const next = ITEM.exec(rows[i]);
      if (next && next[1].length <= base + 1) break;
      if (next) inner.push(rows[i]);
      else if (inner.length) inner.push(rows[i]);
      else text += `\n${rows[i].trim()}`;
      i += 1;
    }
    const task = /^\[([ xX])\]\s+(.*)$/s.exec(text);
    node.append(h("li", null, task ? [task[1] === " " ? "☐ " : "☑ ", spans(task[2])] : spans(text), inner.length ? list(inner) : null));
  }
  return node;
}

const cells = (row) => row.trim().replace(/^\|/, "").replace(/\|$/, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));

function table(rows) {
  const [head, rule, ...body] = rows;
  const align = cells(rule).map((cell) => (/^:-+:$/.test(cell) ? "center" : /-:$/.test(cell) ? "right" : "left"));
  const cell = (tag) => (text, i) => h(tag, { style: { "text-align": align[i] ?? "left" }, ...(tag === "th" ? { scope: "col" } : {}) }, spans(text));
  return h("div.table-scroll", { tabindex: "0", role: "group" }, h("table", null,
    h("thead", null, h("tr", null, cells(head).map(cell("th")))),
    h("tbody", null, body.map((row) => h("tr", null, cells(row).map(cell("td")))))));
}
