// What was lost minute by minute around T, of the newest publishes together.
//
// Must never: count a loss twice; what else was seen is a mark beside the bar and not another bar.

import { el, svg } from './dom.js';
import { axisX, axisY, framed, roundTicks, scale } from './plot.js';
import { number } from './words.js';

/** Minutes before T and after it. */
const AROUND_MIN = 20;

/** What was lost in each minute around T, the newest publishes together; bars for losses, marks for what else was seen. */
export function minutes(sets) {
  const byMinute = new Map();
  for (const minute of sets.flatMap((report) => report.losses?.minutes ?? [])) {
    const sum = byMinute.get(minute.minute) ?? { lost: 0, refused: 0, disconnected: 0, tokens: 0 };
    sum.lost += minute.lost;
    sum.refused += minute.refused;
    sum.disconnected += minute.disconnected;
    sum.tokens += minute.tokens_changed ?? 0;
    byMinute.set(minute.minute, sum);
  }
  const all = [...byMinute].filter(([minute]) => minute >= -AROUND_MIN && minute <= AROUND_MIN).sort(([a], [b]) => a - b);
  const most = Math.max(0, ...all.map(([, sum]) => sum.lost));
  if (most === 0) return null;
  const [left, right, top, bottom] = [60, 960, 34, 230];
  const ticks = roundTicks(most);
  const x = scale(-AROUND_MIN, AROUND_MIN, left, right);
  const y = scale(0, ticks.at(-1), bottom, top);
  const width = x(1) - x(0) - 2;
  const told = ([minute, sum]) => `minute ${minute}: ${number(sum.lost)} lost, probe refused for ${number(sum.refused)}, stations disassociated ${number(sum.disconnected)}`;
  const bar = ([minute, sum]) => svg('rect', { class: 'lost', x: x(minute) + 1, y: y(sum.lost), width, height: Math.max(0, bottom - y(sum.lost)) }, svg('title', {}, told([minute, sum])));
  const dots = (name, shape) => all.filter(([, sum]) => sum[name] > 0).map(([minute, sum]) => shape(x(minute) + 1 + width / 2, y(Math.min(sum[name], ticks.at(-1)))));
  const circle = (cx, cy) => svg('circle', { class: 'refused', cx, cy, r: 4.5 });
  const square = (cx, cy) => svg('rect', { class: 'disconnected', x: cx - 4, y: cy - 4, width: 8, height: 8 });
  const key = (shape, words) => el('li', {}, svg('svg', { class: 'picture', viewBox: '0 0 26 12', 'aria-hidden': 'true' }, shape), words);
  return el('section', { class: 'card' }, el('h2', {}, 'Minute by minute around T'),
    el('p', { class: 'quiet' }, sets.length === 1 ? 'The newest publish.' : `The newest ${sets.length} publishes together.`),
    el('ul', { class: 'legend' }, key(svg('rect', { class: 'lost', x: 7, y: 0, width: 12, height: 12 }), 'softphones lost'), key(circle(13, 6), 'media-token probes refused (401)'), key(square(13, 6), 'stations pushed as disassociated')),
    framed('Losses minute by minute around T', svg('svg', { class: 'picture', viewBox: '0 0 980 272', role: 'img', 'aria-label': `Softphones lost in each minute around T: ${all.filter(([, sum]) => sum.lost > 0).map(told).join('; ')}` },
      axisY({ ticks, y, left, right, name: 'softphones', words: number }),
      axisX({ ticks: [-20, -15, -10, -5, 0, 5, 10, 15, 20], x, top, bottom, name: 'minutes from T' }),
      all.map(bar), dots('refused', circle), dots('disconnected', square),
      svg('line', { class: 't', x1: x(0), x2: x(0), y1: top, y2: bottom }), svg('text', { class: 't-name', x: x(0) + 5, y: top + 12 }, 'T'))));
}
