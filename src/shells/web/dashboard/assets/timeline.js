// The phases of a run along a line of time, with T and now.
//
// Must never: tell a phase by its colour alone; its name stands on it or below it.

import { clock } from './clock.js';
import { el, fill, keepFocus, svg } from './dom.js';
import { framed } from './plot.js';
import { lasting, wall } from './times.js';
import { phaseWords } from './words.js';

const WIDTH = 1000;
const [LEFT, RIGHT] = [8, 992];
const LANE = 24;
const FINAL = new Set(['settled', 'stopped', 'in_doubt', 'settling']);
const SHORT = { waiting: 'staged', refreshing: 'refresh', preparing: 'last look', publishing: 'publish', checking: 'check and help', settling: 'settle' };

/** The spans that happened, and those that the plan expects. */
function spans(run, now) {
  const done = run.phases.filter((span) => !FINAL.has(span.phase)).map((span) => ({
    phase: span.phase, from: Date.parse(span.begin), to: span.end ? Date.parse(span.end) : Math.max(now, Date.parse(span.begin)), current: !span.end && !run.over,
  }));
  const plan = [['refreshing', run.plan.refresh_at, run.plan.prepare_at], ['preparing', run.plan.prepare_at, run.plan.publish_at], ['checking', run.plan.publish_at, run.plan.settle_at]];
  const seen = new Set(done.map((span) => span.phase));
  const ahead = run.over ? [] : plan.filter(([phase]) => !seen.has(phase)).map(([phase, from, to]) => ({ phase, from: Date.parse(from), to: Date.parse(to), planned: true }));
  return [...done, ...ahead];
}

/** Where an instant stands: near T time is stretched, so that a refresh of minutes and days of waiting both show. */
function placesOf(run, all, T) {
  const begin = Math.min(Date.parse(run.plan.refresh_at), T - 60_000);
  const lead = T - begin;
  const from = Math.max(Math.min(...all.map((span) => span.from)), begin - lead * 0.35);
  const to = Math.max(T + lead * 0.5, ...all.map((span) => span.to));
  return (at) => LEFT + Math.max(0, Math.min(1, (at - from) / Math.max(1, to - from))) * (RIGHT - LEFT);
}

/** The picture, and its table for whoever cannot see it. */
export function timeline(run) {
  const now = clock.now();
  const T = Date.parse(run.plan.publish_at);
  const all = spans(run, now);
  const x = placesOf(run, all, T);
  const time = wall(run.zone);
  const bars = all.map((span) => {
    const [a, b] = [x(span.from), Math.max(x(span.from) + 4, x(span.to))];
    const name = SHORT[span.phase] ?? span.phase;
    const told = `${phaseWords(span.phase)}: ${time.second(span.from)} to ${span.current ? 'now' : time.second(span.to)}${span.planned ? ', planned' : ''}`;
    const fits = b - a > name.length * 7 + 8;
    return [
      svg('rect', { class: `phase${span.planned ? ' planned' : ''}${span.current ? ' current' : ''}`, x: a, y: 26, width: b - a, height: LANE, rx: 4 }, svg('title', {}, told)),
      fits ? svg('text', { class: 'phase-name', x: a + 5, y: 26 + LANE + 16 }, name) : null,
    ];
  });
  const at = x(T);
  const anchor = at > WIDTH * 0.75 ? 'end' : 'start';
  const near = now > Math.min(...all.map((span) => span.from)) && !run.over;
  const picture = svg('svg', { class: 'picture', viewBox: `0 0 ${WIDTH} 74`, role: 'img', 'aria-label': `Phases around the publish at ${time.moment(T)}; the list below says the same.` },
    bars,
    svg('line', { class: 't', x1: at, y1: 4, x2: at, y2: 26 + LANE + 4 }),
    svg('text', { class: 't-name', x: at + (anchor === 'end' ? -6 : 6), y: 16, 'text-anchor': anchor }, `T ${time.minute(T)}`),
    near && Math.abs(x(now) - at) > 3 ? svg('line', { class: 'now', x1: x(now), y1: 20, x2: x(now), y2: 26 + LANE + 6 }) : null);
  const item = (span) => el('li', {}, el('time', {}, time.second(span.from)), el('span', {}, phaseWords(span.phase), span.planned ? ' (planned)' : `, ${span.current ? 'since' : 'for'} ${lasting(span.to - span.from)}`));
  return [
    framed('Phases around the publish', picture),
    el('details', {}, el('summary', {}, 'Phases as a list'), el('ul', { class: 'lines' }, all.map(item))),
  ];
}

/** Where each place was moved to by itself; one that a person has moved stays there. */
const movedTo = new WeakMap();

/** Moves a picture that is wider than its frame sideways: to where the person has it, or else to now, or to T. */
function move(place, run, was) {
  const frame = place.querySelector('figure');
  const own = movedTo.get(place) ?? 0;
  if (was !== null && Math.abs(was - own) > 2) {
    frame.scrollLeft = was;
    return;
  }
  const T = Date.parse(run.plan.publish_at);
  const x = placesOf(run, spans(run, clock.now()), T);
  const share = x(run.over ? T : clock.now()) / WIDTH;
  frame.scrollLeft = share * frame.scrollWidth - frame.clientWidth / 2;
  movedTo.set(place, frame.scrollLeft);
}

/** Draws the picture into a place, again and again. */
export const timelineInto = (place, run) => {
  const open = place.querySelector('details')?.open ?? false;
  const was = place.querySelector('figure')?.scrollLeft ?? null;
  keepFocus(place, () => {
    fill(place, timeline(run));
    place.querySelector('details').open = open;
  });
  move(place, run, was);
};
