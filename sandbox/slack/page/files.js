// Files of a message: card, first lines, full text, download.
import { api } from "./api.js";
import { h, replace, uid } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./i18n.js";
import { closeButton, openDialog } from "./overlay.js";
import { state } from "./state.js";

const TEXT_TYPES = /^(text\/|application\/(json|xml|yaml|x-yaml|javascript))/;
const TEXT_NAMES = /\.(md|markdown|html?|json|csv|txt|log|ya?ml|xml)$/i;
const PEEK_LINES = 6;

const nameOf = (file) => file.title || file.name || file.id;
const isText = (file) => TEXT_TYPES.test(file.mimetype ?? "") || TEXT_NAMES.test(file.name ?? "");
const isImage = (file) => /^image\/(png|jpe?g|gif|webp|svg\+xml)$/.test(file.mimetype ?? "");

function sizeOf(file) {
  const size = Number(file.size);
  if (!size) return "";
  return size < 1024 ? `${size} B` : size < 1_048_576 ? `${(size / 1024).toFixed(1)} KB` : `${(size / 1_048_576).toFixed(1)} MB`;
}
const kindOf = (file) => (/\.([a-z0-9]+)$/i.exec(file.name ?? "")?.[1] ?? file.filetype ?? "").toUpperCase();

/** The address of an image block or element: its own, or that of a file of this workspace. */
export function imageUrl(item) {
  if (item.image_url) return item.image_url;
  if (item.slack_file?.id) return api.fileUrl(item.slack_file.id, state.me);
  return item.slack_file?.url ?? null;
}

const texts = new Map();
function textOf(file) {
  const key = `${file.id}:${state.me}`;
  if (!texts.has(key)) {
    texts.set(key, fetch(api.fileUrl(file.id, state.me)).then((answer) => {
      if (!answer.ok) throw new Error(`http_${answer.status}`);
      return answer.text();
    }));
    texts.get(key).catch(() => texts.delete(key));
  }
  return texts.get(key);
}

export function fileCard(file) {
  const href = api.fileUrl(file.id, state.me);
  const download = h("a.icon-button", { href, download: file.name ?? nameOf(file), "aria-label": `${t("download")}: ${nameOf(file)}`, title: t("download") }, icon("download"));
  const facts = [kindOf(file), sizeOf(file)].filter(Boolean).join(" · ");
  const words = h("span.file-words", null, h("span.file-name", null, nameOf(file)), h("span.file-facts", null, facts));
  if (isImage(file)) {
    return h("div.file.picture", null, h("div.file-head", null, icon("file"), words, download), h("img", { src: href, alt: nameOf(file), loading: "lazy" }));
  }
  if (!isText(file)) return h("div.file", null, h("div.file-head", null, icon("file", 22), words, download));
  const peek = h("pre.file-peek", { "aria-hidden": "true" });
  textOf(file).then((text) => { peek.textContent = text.split("\n").slice(0, PEEK_LINES).join("\n"); }, () => peek.remove());
  return h("div.file", null,
    h("div.file-head", null, icon("file", 22),
      h("button.file-open", { type: "button", "aria-haspopup": "dialog", "aria-label": `${t("preview")}: ${nameOf(file)}`, dataset: { fk: `file/${file.id}` }, onclick: () => preview(file, href) }, words), download), peek);
}

async function preview(file, href) {
  const title = uid("file");
  const body = h("div.dialog-body.file-body", null, h("p", { role: "status" }, t("loading")));
  const handle = openDialog({
    className: "file-dialog", labelledby: title,
    content: h("div.dialog-frame", null,
      h("header.dialog-head", null, h("h2", { id: title }, nameOf(file)),
        h("a.icon-button", { href, download: file.name ?? "", "aria-label": t("download"), title: t("download") }, icon("download")), closeButton(() => handle.close())),
      body),
  });
  try {
    replace(body, h("pre.file-text", { tabindex: "0" }, await textOf(file)));
  } catch {
    replace(body, h("p", { role: "alert" }, t("fileFailed")));
  }
}
