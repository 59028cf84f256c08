// Elements from values. All text goes in as text.
//
// Must never: parse a text as HTML, or write a style attribute; the content security policy refuses both.

const SVG = 'http://www.w3.org/2000/svg';

function made(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'data') Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An HTML element: attributes, `on…` listeners, `data`; children are elements or text. */
export const el = (tag, props, ...children) => made(document.createElement(tag), props, children);

/** An SVG element, in the same way. */
export const svg = (tag, props, ...children) => made(document.createElementNS(SVG, tag), props, children);

/** Replaces what is in a node. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Replaces a text, and only if it is another one: a screen reader says again what is written again. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A cell of a table that becomes a list on a narrow screen: the heading stands beside the value there. */
export const td = (label, ...children) => el('td', { 'data-l': label }, el('span', { class: 'v' }, ...children));

/** The heading of a row, in the same way. */
export const rowHead = (label, ...children) => el('th', { scope: 'row', 'data-l': label }, el('span', { class: 'v' }, ...children));

/** The heading row of a table. */
export const heads = (...names) => el('thead', {}, el('tr', {}, names.map((name) => el('th', { scope: 'col' }, name))));

const REACHED = 'a[href], button, input, select, summary, [tabindex]';
const nameOf = (node) => node.id || node.getAttribute('aria-label') || node.getAttribute('href') || node.textContent;

/** Moves the focus to something that is not reached with Tab, such as a heading. */
export function focusOn(node) {
  if (!node) return;
  node.tabIndex = -1;
  node.focus({ preventScroll: true });
}

const HEADING = 'h1, h2';
const headingOf = (place) => place.querySelector(HEADING) ?? place.closest('section')?.querySelector(HEADING) ?? document.querySelector('#main h1');

/** Draws a place anew, and leaves the focus on what it was on, or on the place's heading where that is gone. */
export function keepFocus(place, draw) {
  const held = place.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  draw();
  if (held === null) return;
  const same = [...place.querySelectorAll(REACHED)].find((node) => nameOf(node) === held);
  if (same && !same.disabled) same.focus({ preventScroll: true });
  else focusOn(headingOf(place));
}
