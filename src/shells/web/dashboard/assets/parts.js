// Small parts that several pages show: a badge, a mark, a bar of counts, a countdown, an order's buttons.
//
// Must never: offer what the run would refuse, or what the person may not do.

import { WISHES, ask, retryName } from './ask.js';
import { clock } from './clock.js';
import { el, say } from './dom.js';
import { atLeast } from './frame.js';
import { ticking } from './times.js';
import { KINDS, kindCounts, kindWords, number, stateOf } from './words.js';

/** A state in words, with its tone. */
export const badge = ({ words, tone }) => el('span', { class: `badge ${tone}` }, words);

/** How a run stands. */
export const stateBadge = (card) => badge(stateOf(card));

/** The mark of a kind of verdict; its words stand beside it. */
export const mark = (cell) => el('span', { class: 'mark', data: { cell }, 'aria-hidden': 'true' });

/** A mark with its words. */
export const kind = (cell) => el('span', {}, mark(cell), ' ', kindWords(cell));

/** The counts of a run as one bar, told in words to whoever cannot see it. */
export function split(card) {
  const counts = Object.entries(kindCounts(card)).filter(([, n]) => n > 0);
  const told = counts.map(([cell, n]) => `${number(n)} ${KINDS[cell][1]}`).join(', ') || 'nobody';
  const bar = el('span', { class: 'split', role: 'img', 'aria-label': told, title: told });
  for (const [cell, n] of counts) {
    const piece = el('span', { data: { cell } });
    piece.style.flexGrow = n;
    bar.append(piece);
  }
  return bar;
}

/** A countdown to an instant, and on from it. `tick` has it look at the clock. */
export function countdown(at, of = 'to the publish') {
  const big = el('span', { class: 'big' });
  const under = el('span', { class: 'of' });
  const node = el('p', { class: 'countdown', role: 'timer' }, big, ' ', under);
  const T = Date.parse(at);
  let ended = false;
  const tick = () => {
    if (ended) return;
    const ms = T - clock.now();
    say(big, `${ms < 0 ? 'T+' : ''}${ticking(ms)}`);
    say(under, ms < 0 ? 'since the publish was due' : of);
    node.classList.toggle('past', ms < 0);
  };
  /** What has come of it takes the place of the time. */
  const result = (words, what) => {
    ended = true;
    node.classList.remove('past');
    say(big, words);
    say(under, what);
  };
  return { node, tick, result };
}

/** What the run can be told now, by this person. What would change nothing is not offered. */
export function orders(card, known) {
  const moot = (wish) => (wish === 'approve' && card.approval !== 'missing') || (wish === 'hold' && card.held);
  const wanted = (wish) => WISHES[wish] && wish !== 'retry' && !moot(wish);
  const mine = card.allowed.filter((wish) => wanted(wish) && atLeast(known.role, WISHES[wish].role));
  return mine.map((wish) =>
    el('button', {
      type: 'button',
      class: WISHES[wish].tone,
      data: { wish },
      onclick: () => ask({ card, wish }),
    }, WISHES[wish].words));
}

/** The button that has one agent tried again, where that can be. */
export function retry(card, row, known) {
  const may = card.allowed.includes('retry') && atLeast(known.role, WISHES.retry.role);
  if (!may || ['ready', 'recovered'].includes(row.verdict)) return null;
  const go = () => ask({ card, wish: 'retry', agent: row });
  return el('button', { type: 'button', class: 'small', data: { wish: 'retry' }, 'aria-label': retryName(row), onclick: go }, WISHES.retry.words);
}

/** The address of a run's page, and of an agent's in it. */
export const runPath = (run) => `/runs/${encodeURIComponent(run)}`;
export const agentPath = (run, agent) => `${runPath(run)}/agents/${encodeURIComponent(agent)}`;
