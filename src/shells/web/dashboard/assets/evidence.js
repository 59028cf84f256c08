// What all publishes say together about whether softphones are lost by them: rates before and after, each publish by itself.
//
// Must never: call an association a cause, or show a rate without how long was watched.

import { get } from './api.js';
import { el, fill, heads, rowHead, svg, td } from './dom.js';
import { page } from './frame.js';
import { minutes } from './minutes.js';
import { runPath } from './parts.js';
import { axisX, framed, roundTicks, scale } from './plot.js';
import { wall } from './times.js';
import { number, people } from './words.js';

const SHOWN_MAX = 24;
const LANE = 34;
/** Publishes whose reports are read for the minutes around T. */
const READ_MAX = 4;

/** Losses of a thousand ready agents in a minute. */
const rate = ({ losses, agent_ms }) => (agent_ms > 0 ? (losses * 60_000 * 1_000) / agent_ms : 0);
const rateWords = (seen) => `${rate(seen).toLocaleString('en-GB', { maximumFractionDigits: 2 })}`;
const figure = (n) => Number(n).toLocaleString('en-GB', { maximumSignificantDigits: 3 });
const chance = (p) => (p < 0.0001 ? 'under 0.0001' : figure(p));

function finding(found) {
  const { ratio, low, high, p } = found;
  const times = ratio === null || ratio === undefined ? 'There were none before' : `${figure(ratio)} times as many after as before (95 %: ${figure(low)} to ${high === null || high === undefined ? 'no bound' : figure(high)})`;
  switch (found.finding) {
    case 'association': return ['Softphones are lost more often after a publish, beyond chance.', `${times}; p ${chance(p)}. That is an association, and not yet a cause.`, 'attention'];
    case 'none': return ['No difference beyond chance.', `${times}; p ${chance(p)}.`, 'calm'];
    default: return ['Nothing to compare so far.', 'No softphone was lost, or nobody was watched before or after.', 'calm'];
  }
}

function picture(runs) {
  const [left, right, top] = [250, 950, 16];
  const bottom = top + runs.length * LANE;
  const ticks = roundTicks(Math.max(...runs.flatMap(({ evidence }) => [rate(evidence.before), rate(evidence.after)])));
  const x = scale(0, ticks.at(-1), left, right);
  const lane = (run, at) => {
    const y = top + at * LANE + LANE / 2;
    const [before, after] = [rate(run.evidence.before), rate(run.evidence.after)];
    return svg('g', {}, svg('title', {}, `${run.business_unit}, ${wall(run.zone).day(run.publish_at)}: ${figure(before)} before, ${figure(after)} after`),
      svg('text', { x: left - 12, y: y + 4, 'text-anchor': 'end' }, `${run.business_unit.slice(0, 20)}, ${wall(run.zone).day(run.publish_at)}`),
      svg('line', { class: 'join', x1: x(before), x2: x(after), y1: y, y2: y }),
      svg('circle', { class: 'before', cx: x(before), cy: y, r: 6 }),
      svg('rect', { class: 'after', x: x(after) - 6, y: y - 6, width: 12, height: 12, transform: `rotate(45 ${x(after)} ${y})` }));
  };
  const key = (shape, words) => el('li', {}, svg('svg', { class: 'picture', viewBox: '0 0 26 12', 'aria-hidden': 'true' }, shape), words);
  return el('section', { class: 'card' }, el('h2', {}, 'Each publish'),
    el('ul', { class: 'legend' }, key(svg('circle', { class: 'before', cx: 13, cy: 6, r: 5 }), 'before the publish'), key(svg('rect', { class: 'after', x: 8, y: 1, width: 10, height: 10, transform: 'rotate(45 13 6)' }), 'after it')),
    framed('Losses before and after each publish', svg('svg', { class: 'picture', viewBox: `0 0 980 ${bottom + 44}`, role: 'img', 'aria-label': 'Softphones lost of a thousand ready agents in a minute, before and after each publish; the table below has the figures.' },
      axisX({ ticks, x, top, bottom, name: 'softphones lost of 1,000 ready agents, per minute', words: figure }), runs.map(lane))));
}

function table(runs) {
  const row = (run) => el('tr', {},
    rowHead('Publish', el('a', { href: runPath(run.run) }, wall(run.zone).moment(run.publish_at)), ' ', el('span', { class: 'quiet' }, run.zone), el('br'), el('span', { class: 'quiet' }, run.business_unit)),
    td('Agents watched', number(run.agents)),
    td('Lost before', `${number(run.evidence.before.losses)} (${rateWords(run.evidence.before)})`),
    td('Lost after', `${number(run.evidence.after.losses)} (${rateWords(run.evidence.after)})`),
    td('What it says', finding(run.finding)[0]));
  return el('section', { class: 'card' }, el('h2', {}, 'Figures'),
    el('div', { class: 'scroll' }, el('table', { class: 'stack' }, el('caption', {}, 'In brackets: softphones lost of 1,000 ready agents, per minute'),
      heads('Publish', 'Agents watched', 'Lost before', 'Lost after', 'What it says'), el('tbody', {}, runs.map(row)))));
}

await page(async (main) => {
  const evidence = await get('evidence');
  const [headline, more, tone] = finding(evidence.finding);
  const shown = evidence.runs.slice(0, SHOWN_MAX);
  const aroundT = el('div', { class: 'column' });
  fill(main, el('div', { class: 'column' },
    el('h1', {}, 'Are softphones lost by publishes?'),
    el('div', { class: `notice ${tone}` }, el('p', {}, el('strong', {}, headline)), el('p', {}, more),
      el('p', {}, `From ${evidence.publishes} ${evidence.publishes === 1 ? 'publish that was' : 'publishes that were'} watched before and after, ${people(evidence.agents, 'agent')} in all.`)),
    shown.length ? [picture(shown), aroundT, table(shown)] : el('p', { class: 'quiet' }, 'Cohorts of 20 agents and more are watched from half an hour before each publish; after the first one, figures stand here.')));
  const reports = await Promise.all(shown.slice(0, READ_MAX).map(({ run }) => get(`runs/${encodeURIComponent(run)}/report.json`)));
  fill(aroundT, reports.length ? minutes(reports) : null);
});
