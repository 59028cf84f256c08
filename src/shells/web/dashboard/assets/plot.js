// Axes for plots: round ticks, grid lines, names with their units.
//
// Must never: draw a value without an axis that says what it is.

import { el, svg } from './dom.js';

/** A picture in its frame: on a narrow screen it is moved sideways, with the keyboard as well. */
export const framed = (name, picture) => el('figure', { tabindex: '0', 'aria-label': name }, picture);

/** Round numbers from 0 to at least `max`, about five of them. */
export function roundTicks(max) {
  if (!(max > 0)) return [0, 1];
  const rough = max / 4;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * decade).find((size) => size >= rough);
  const ticks = [];
  for (let at = 0; at < max + step * 0.999; at += step) ticks.push(Number(at.toPrecision(12)));
  return ticks;
}

/** A linear scale from values to a place in the picture. */
export const scale = (from, to, a, b) => (value) => a + ((value - from) / (to - from || 1)) * (b - a);

/** A horizontal axis below a plot, with its grid. */
export const axisX = ({ ticks, x, top, bottom, name, words = String }) => [
  ticks.map((tick) => [
    svg('line', { class: 'grid', x1: x(tick), x2: x(tick), y1: top, y2: bottom }),
    svg('text', { class: 'tick', x: x(tick), y: bottom + 17, 'text-anchor': 'middle' }, words(tick)),
  ]),
  svg('line', { class: 'axis', x1: x(ticks[0]), x2: x(ticks.at(-1)), y1: bottom, y2: bottom }),
  svg('text', { class: 'axis-name', x: x(ticks.at(-1)), y: bottom + 35, 'text-anchor': 'end' }, name),
];

/** A vertical axis left of a plot, with its grid. */
export const axisY = ({ ticks, y, left, right, name, words = String }) => [
  ticks.map((tick) => [
    svg('line', { class: 'grid', x1: left, x2: right, y1: y(tick), y2: y(tick) }),
    svg('text', { class: 'tick', x: left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, words(tick)),
  ]),
  svg('text', { class: 'axis-name', x: left, y: y(ticks.at(-1)) - 10 }, name),
];
