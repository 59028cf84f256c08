// Several runs side by side: the figures in a table, and how many softphones were ready when, from T on.
//
// Must never: compare by a line alone; every line has its name, and the table has the numbers.

import { get } from './api.js';
import { el, fill, rowHead, svg, td } from './dom.js';
import { page } from './frame.js';
import { runPath, split, stateBadge } from './parts.js';
import { axisX, axisY, framed, roundTicks, scale } from './plot.js';
import { lasting, wall } from './times.js';
import { fateWords, number } from './words.js';

const RUNS_MAX = 4;
/** The longest time before T that is drawn, and the shortest, in minutes. */
const BEFORE_MIN = { most: 10, least: 1 };
const DASHES = ['', 'two', 'three', 'four'];
const named = (run) => `${run.business_unit}, ${wall(run.zone).day(run.publish_at)}`;

/** Minutes after T, and the share of the roster that was ready then. */
function readyOverTime(run, report) {
  const T = Date.parse(run.publish_at);
  const points = (report.over_time ?? []).map((point) => [(Date.parse(point.at) - T) / 60_000, (100 * (point.ready + point.recovered)) / Math.max(1, run.agents)]);
  return points.filter(([minute]) => minute >= -BEFORE_MIN.most);
}

function picture(sets) {
  const [left, right, top, bottom] = [52, 960, 34, 280];
  const last = Math.max(5, ...sets.flatMap(({ points }) => points.map(([minute]) => minute)));
  const first = Math.min(-BEFORE_MIN.least, ...sets.flatMap(({ points }) => points.map(([minute]) => minute)));
  const ticksX = roundTicks(last);
  const x = scale(first, ticksX.at(-1), left, right);
  const y = scale(0, 100, bottom, top);
  const path = (points) => points.map(([minute, share], at) => `${at ? 'L' : 'M'}${x(minute).toFixed(1)} ${y(share).toFixed(1)}`).join('');
  const lines = sets.map(({ points }, at) => points.length ? svg('path', { class: `line series-${at + 1} ${DASHES[at]}`, d: path(points) }) : null);
  const legend = sets.map(({ run }, at) => el('li', {}, svg('svg', { class: 'picture', viewBox: '0 0 26 12', 'aria-hidden': 'true' }, svg('path', { class: `line series-${at + 1} ${DASHES[at]}`, d: 'M0 6H26' })), named(run)));
  return el('section', { class: 'card' }, el('h2', {}, 'Softphones ready, from T on'), el('ul', { class: 'legend' }, legend),
    framed('Softphones ready, from T on', svg('svg', { class: 'picture', viewBox: '0 0 980 320', role: 'img', 'aria-label': 'Share of agents who were ready, in per cent, by minutes after T; the table above has the figures.' },
      axisY({ ticks: [0, 25, 50, 75, 100], y, left, right, name: 'ready, % of the roster' }),
      axisX({ ticks: ticksX, x, top, bottom, name: 'minutes after T' }),
      svg('line', { class: 't', x1: x(0), x2: x(0), y1: top, y2: bottom }),
      svg('text', { class: 't-name', x: x(0) + 5, y: top + 12 }, 'T'),
      lines)));
}

function figures(sets) {
  const seconds = (ms) => (ms === null || ms === undefined ? 'not known' : lasting(ms));
  const rows = [
    ['Ended', ({ run }) => stateBadge(run)],
    ['Publish', ({ run }) => (run.publish.fate ? fateWords(run.publish.fate) : 'not made')],
    ['Left after T', ({ run }) => seconds(run.publish.late_ms)],
    ['Publish took', ({ report }) => seconds(report.publish?.took_ms)],
    ['Agents', ({ run }) => number(run.agents)],
    ['Enrolled', ({ report }) => number(report.tokens?.enrolled)],
    ['Softphones', ({ run }) => split(run)],
    ['Ready without help', ({ run }) => number(run.tally.ready)],
    ['Recovered', ({ run }) => number(run.tally.recovered)],
    ['Deferred', ({ run }) => number(run.tally.deferred)],
    ['Stragglers', ({ run }) => number(run.tally.stragglers)],
    ['Unknown', ({ run }) => number(run.tally.unknown)],
    ['Remedies begun', ({ report }) => number((report.remedies ?? []).reduce((sum, rung) => sum + rung.starts, 0))],
    ['Brakes', ({ report }) => number((report.brakes ?? []).length)],
    ['Orders', ({ report }) => number((report.control ?? []).length)],
  ];
  return el('section', { class: 'card' }, el('h2', {}, 'Figures'),
    el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Figures' }, el('table', {}, el('caption', { class: 'unseen' }, 'Runs side by side'),
      el('thead', {}, el('tr', {}, el('td', {}), sets.map(({ run }) => el('th', { scope: 'col' }, el('a', { href: runPath(run.run) }, named(run)))))),
      el('tbody', {}, rows.map(([name, value]) => el('tr', {}, rowHead('', name), sets.map((set) => td(name, value(set)))))))));
}

await page(async (main) => {
  const asked = [...new Set(new URLSearchParams(location.search).getAll('run'))];
  const runs = asked.slice(0, RUNS_MAX);
  if (runs.length < 2) {
    fill(main, el('h1', {}, 'Compare runs'), el('p', {}, 'Choose two or more past runs on the ', el('a', { href: '/' }, 'overview'), '.'));
    return;
  }
  const one = async (name) => {
    const at = `runs/${encodeURIComponent(name)}`;
    const [run, report] = await Promise.all([get(at), get(`${at}/report.json`)]);
    return { run, report, points: readyOverTime(run, report) };
  };
  const sets = await Promise.all(runs.map(one));
  fill(main, el('div', { class: 'column' }, el('h1', {}, `${sets.length} runs side by side`),
    asked.length > RUNS_MAX ? el('p', { class: 'quiet' }, `The first ${RUNS_MAX} of ${asked.length} are shown.`) : null,
    figures(sets), picture(sets)));
});
