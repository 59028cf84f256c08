// The overview: the next publish with its countdown, what needs a person, runs under way, the calendar, past runs.
//
// Must never: show a countdown that has stopped, or a list that is old, as if it were new.

import { get } from './api.js';
import { heardOf } from './ask.js';
import { Calendar, alarms, lapsed, occasions, stagedWhen } from './calendar.js';
import { clock, everySecond } from './clock.js';
import { el, fill, heads, keepFocus, rowHead, td } from './dom.js';
import { announce, page } from './frame.js';
import { badge, countdown, orders, runPath, split, stateBadge } from './parts.js';
import { away, wall } from './times.js';
import { fateWords, number, occasionOf, people, sentence, stateOf } from './words.js';

const LOOK_EVERY_MS = 5_000;
const PAST_PAGE = 20;

/** A run that is staged and whose T lies ahead, or else the next one of the calendar. */
function foremost(open, upcoming) {
  const ahead = open.filter((card) => Date.parse(card.publish_at) > clock.now());
  ahead.sort((a, b) => Date.parse(a.publish_at) - Date.parse(b.publish_at));
  const [card, next] = [ahead[0], upcoming[0]];
  if (card && (!next || Date.parse(card.publish_at) <= Date.parse(next.publish_at))) return { card };
  return next ? { next } : {};
}

function hero({ card, next }, known, ticks) {
  if (!card && !next) {
    return el('section', { class: 'card hero' }, el('div', {}, el('h1', {}, 'No publish lies ahead'),
      el('p', { class: 'facts' }, 'Add a ', el('code', {}, '[[publish]]'), ' to the configuration, or stage one with ',
        el('code', {}, 'softlanding stage'), '.')));
  }
  const what = card ?? next;
  const { node, tick } = countdown(what.publish_at);
  ticks.push(tick);
  const local = wall(what.zone).moment(what.publish_at);
  const facts = card
    ? [card.schedule, ` · ${people(card.agents, 'agent')}`]
    : [`entry ${next.entry}`, next.run ? '' : `, ${stagedWhen(next)}`];
  return el('section', { class: 'card hero', 'aria-labelledby': 'next-title' },
    el('div', {},
      el('p', { class: 'facts' }, 'Next publish'),
      el('h1', { id: 'next-title' }, card ? el('a', { href: runPath(card.run) }, card.business_unit) : next.business_unit),
      el('p', {}, card ? stateBadge(card) : badge(occasionOf(next.state)), ' ', el('strong', {}, local), ` ${what.zone}`),
      el('p', { class: 'facts' }, facts),
      card ? el('div', { class: 'buttons' }, orders(card, known)) : null),
    node);
}

function wanting(cards) {
  const needy = cards.filter((card) => !card.over && (card.needs || card.held));
  return needy.map((card) => {
    const { words, tone } = stateOf(card);
    return el('div', { class: `notice ${tone}` },
      el('p', {}, el('strong', {}, el('a', { href: runPath(card.run) }, card.business_unit)), `: ${words}`, card.why ? `. ${sentence(card.why)}` : ''));
  });
}

function underWay(open) {
  if (open.length === 0) return null;
  const row = (card) => el('tr', {},
    rowHead('Run', el('a', { href: runPath(card.run) }, card.business_unit), el('br'), el('span', { class: 'quiet' }, card.run)),
    td('Publish', wall(card.zone).moment(card.publish_at)),
    td('State', stateBadge(card)),
    td('T', away(card.publish_at, clock.now())),
    td('Softphones', split(card)));
  return el('section', { class: 'card' }, el('h2', {}, 'Under way'),
    el('div', { class: 'scroll' }, el('table', { class: 'stack' }, el('caption', { class: 'unseen' }, 'Runs under way'),
      heads('Run', 'Publish', 'State', 'T', 'Softphones'), el('tbody', {}, open.map(row)))));
}

function past(cards, chosen, more, loadMore) {
  const compare = el('button', { type: 'submit', class: 'primary' }, 'Compare');
  const note = el('span', { class: 'quiet', role: 'status' });
  const look = () => {
    compare.disabled = chosen.size < 2;
    fill(note, chosen.size < 2 ? 'Choose two or more to compare them.' : `${chosen.size} chosen`);
  };
  const row = (card) => {
    const box = el('input', { type: 'checkbox', name: 'run', value: card.run, checked: chosen.has(card.run), 'aria-label': `Compare ${card.run}` });
    box.addEventListener('change', () => {
      if (box.checked) chosen.add(card.run);
      else chosen.delete(card.run);
      look();
    });
    return el('tr', {},
      td('Compare', box),
      rowHead('Run', el('a', { href: runPath(card.run) }, wall(card.zone).moment(card.publish_at)), el('br'), el('span', { class: 'quiet' }, card.business_unit)),
      td('Ended', stateBadge(card)),
      td('Publish', card.publish.fate ? fateWords(card.publish.fate) : ''),
      td('Agents', number(card.agents)),
      td('Softphones', split(card)));
  };
  look();
  const form = el('form', { action: '/compare', method: 'get' },
    el('div', { class: 'scroll' }, el('table', { class: 'stack' }, el('caption', { class: 'unseen' }, 'Runs that are over'),
      heads('Compare', 'Run', 'Ended', 'Publish', 'Agents', 'Softphones'), el('tbody', {}, cards.map(row)))),
    el('p', { class: 'buttons' }, compare, more ? el('button', { type: 'button', onclick: loadMore }, 'Older runs') : null, note));
  return el('section', { class: 'card' }, el('h2', {}, 'Past runs'), cards.length ? form : el('p', { class: 'quiet' }, 'No run has ended so far.'));
}

await page(async (main, known) => {
  const ticks = [];
  const chosen = new Set();
  let older = [];
  let cursor = null;
  let drawn = '';
  const pastPlace = el('div', { class: 'column' });
  const livePlace = el('div', { class: 'column' });
  const calendar = new Calendar({ known, changed: () => look() });
  const lost = el('div');

  const loadMore = async () => {
    const next = await get(`runs?limit=${PAST_PAGE}&before=${encodeURIComponent(cursor)}`);
    older = [...older, ...next.runs];
    cursor = next.next;
    drawn = '';
    await look();
  };
  async function look() {
    const [entries, runs] = await Promise.all([get('calendar'), get(`runs?limit=${PAST_PAGE}`)]);
    if (older.length === 0) cursor = runs.next;
    const known_runs = new Set(runs.runs.map((card) => card.run));
    const cards = [...runs.runs, ...older.filter((card) => !known_runs.has(card.run))];
    const [upcoming, behind] = [occasions(entries), lapsed(entries)];
    const [open, over] = [cards.filter((card) => !card.over), cards.filter((card) => card.over)];
    ticks.length = 0;
    const isNow = open.some((card) => Date.parse(card.publish_at) <= clock.now());
    const heroCard = hero(foremost(open, upcoming), known, ticks);
    keepFocus(livePlace, () => fill(livePlace, alarms([...behind, ...upcoming]), wanting(cards), isNow ? [underWay(open), heroCard] : [heroCard, underWay(open)]));
    calendar.show([...behind, ...upcoming]);
    cards.forEach(heardOf);
    const shape = JSON.stringify([over, cursor]);
    if (shape !== drawn) keepFocus(pastPlace, () => fill(pastPlace, past(over, chosen, cursor !== null, () => loadMore().catch(() => {}))));
    drawn = shape;
    const states = cards.filter((card) => !card.over).map((card) => `${card.business_unit}: ${stateOf(card).words}`).join('. ');
    if (states) announce(states);
    ticks.forEach((tick) => tick());
  }
  await look();
  fill(main, lost, el('div', { class: 'column' }, livePlace, calendar.node, pastPlace));
  everySecond(() => ticks.forEach((tick) => tick()));
  setInterval(() => look().then(() => fill(lost), (error) => fill(lost, el('p', { class: 'notice alarm' }, `Not up to date: ${error.message}.`))), LOOK_EVERY_MS);
});
