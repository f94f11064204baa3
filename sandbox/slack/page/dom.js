// Builds DOM nodes. Data only ever becomes text nodes and attribute values, never markup.

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "selected", "multiple", "indeterminate"]);

/** h("button.primary", {onclick, "aria-label": "…"}, "Text", node, [nodes], null) */
export function h(spec, props, ...children) {
  const [tag, ...classes] = spec.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(props ?? {})) setProp(node, key, value);
  append(node, children);
  return node;
}

function setProp(node, key, value) {
  if (value === null || value === undefined) return;
  if (key.startsWith("on") && typeof value === "function") {
    node.addEventListener(key.slice(2), value);
  } else if (key === "class") {
    for (const name of String(value).split(" ")) if (name) node.classList.add(name);
  } else if (key === "dataset") {
    for (const [name, v] of Object.entries(value)) if (v !== null && v !== undefined) node.dataset[name] = v;
  } else if (key === "style") {
    for (const [name, v] of Object.entries(value)) node.style.setProperty(name, v);
  } else if (PROPERTIES.has(key)) {
    node[key] = value;
  } else if (typeof value === "boolean" && !key.startsWith("aria-")) {
    node.toggleAttribute(key, value);
  } else {
    node.setAttribute(key, String(value));
  }
}

export function append(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

export function replace(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

let counter = 0;
export const uid = (prefix = "id") => `${prefix}-${(counter += 1)}`;

/** A link target that may be opened, or null: script and data addresses never are. */
export function safeUrl(text) {
  try {
    const url = new URL(text, location.origin);
    return ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * Brings the children of `parent` to `items`, keeping every node whose key and signature are the
 * same, and the focus inside the nodes that are rebuilt.
 */
export function reconcile(parent, items) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  let cursor = parent.firstElementChild;
  for (const item of items) {
    let node = old.get(item.key);
    old.delete(item.key);
    if (!node || node.dataset.sig !== item.sig) {
      const fresh = item.build();
      fresh.dataset.key = item.key;
      fresh.dataset.sig = item.sig;
      if (node) {
        if (cursor === node) cursor = fresh;
        swap(node, fresh);
      }
      node = fresh;
    }
    if (node === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(node, cursor);
  }
  for (const node of old.values()) node.remove();
}

/** Replaces a node; the control that had the focus gets it back by its focus key. */
export function swap(node, fresh) {
  const active = document.activeElement;
  const focusKey = active && node.contains(active) ? active.dataset.fk : null;
  const selection = focusKey && typeof active.selectionStart === "number"
    ? [active.selectionStart, active.selectionEnd] : null;
  node.replaceWith(fresh);
  if (!focusKey) return;
  const target = findFocusKey(fresh, focusKey);
  if (!target) return;
  target.focus({ preventScroll: true });
  if (selection && typeof target.setSelectionRange === "function") {
    try {
      target.setSelectionRange(...selection);
    } catch {
      // Number and e-mail inputs have no selection.
    }
  }
}

export function findFocusKey(root, key) {
  return root.querySelector(`[data-fk="${CSS.escape(key)}"]`);
}

/** Gives the focus back to the control it came from, even when that was drawn anew meanwhile. */
export function refocus(node) {
  if (!node) return;
  if (node.isConnected) node.focus({ preventScroll: true });
  else if (node.dataset?.fk) findFocusKey(document, node.dataset.fk)?.focus({ preventScroll: true });
}
