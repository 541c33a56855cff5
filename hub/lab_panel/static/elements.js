// Makes elements of the page; text is always text.

/** Return an element with attributes, listeners (`onclick`) and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Return a labelled field; `hint` stands below the label. */
export function field(id, label, { hint, required, rows, ...more } = {}) {
  const hintId = hint ? `${id}-hint` : undefined;
  const common = { id, name: id, class: "jp-mod-styled", required, "aria-describedby": hintId, autocomplete: "off", ...more };
  const input = rows ? make("textarea", { ...common, rows }) : make("input", { type: "text", ...common });
  const parts = [make("label", { for: id }, label)];
  if (hint) parts.push(make("span", { id: hintId, class: "labfork-hint" }, hint));
  return make("div", { class: "labfork-field" }, ...parts, input);
}

/** Return a button. */
export function button(text, kind = "", more = {}) {
  return make("button", { type: "submit", class: `jp-mod-styled ${kind}`, ...more }, text);
}

/** Return how many there are of something, as words. */
export function counted(number, thing) {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

/** Return seconds as words. */
export function span(seconds) {
  const minutes = Math.max(0, Math.round(seconds / 60));
  if (minutes < 1) return "less than a minute";
  if (minutes < 90) return minutes === 1 ? "1 minute" : `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}
