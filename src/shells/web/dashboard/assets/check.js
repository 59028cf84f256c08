// A roll call: whose softphone could take a call at this moment, any day, without a publish.
//
// Must never: call a roll because a page was opened; each costs calls of the organisation's budget.

import { AgentsTable } from './agents_table.js';
import { READS_WITHIN_MS, get, intent, post } from './api.js';
import { ACTS } from './calendar.js';
import { el, fill } from './dom.js';
import { announce, atLeast, page } from './frame.js';
import { Tally } from './tally.js';
import { wall } from './times.js';
import { people, sentence } from './words.js';

/** What an answer can be, from the worst to the best; without a run nobody has recovered. */
const CELLS = ['straggler', 'unknown', 'oncall', 'loggedout', 'ready'];

const plain = (state) => (typeof state === 'string' ? state : Object.keys(state ?? {})[0] ?? '').replaceAll('_', ' ');

function rowsOf(called) {
  const rows = called.agents.map((agent) => ({ ...agent, name: agent.name ?? agent.agent }));
  const rank = (row) => CELLS.indexOf(row.cell);
  return rows.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

/** A roll call's counts, as a run's card has them. */
const cardOf = (called, rows) => ({
  agents: rows.length,
  tally: called.tally,
  on_call: rows.filter((row) => row.cell === 'oncall').length,
  not_checked: 0,
});

function headline({ tally }, agents) {
  if (agents === 0) return ['The business unit has no agents.', 'attention'];
  if (tally.stragglers > 0) return [`${people(tally.stragglers, 'softphone')} cannot take a call.`, 'alarm'];
  if (tally.unknown > 0) return [`Of ${people(tally.unknown, 'softphone')} a signal is missing.`, 'attention'];
  return ['No softphone is known that cannot take a call.', 'calm'];
}

function download(called) {
  const name = `check-${called.business_unit}-${called.from}.json`.replace(/[^\w.-]+/g, '-');
  const href = URL.createObjectURL(new Blob([JSON.stringify(called, null, 2)], { type: 'application/json' }));
  return el('a', { class: 'button', href, download: name }, 'JSON');
}

function answer(called, zone) {
  const rows = rowsOf(called);
  const table = new AgentsTable({
    agent: (row) => row.name,
    columns: [
      ['Why', (row) => row.words.split(': ').slice(1).join(': ')],
      ['Station', (row) => plain(row.signals.station)],
      ['Phone', (row) => plain(row.signals.phone)],
      ['Page', (row) => plain(row.signals.page)],
    ],
    kinds: CELLS,
    caption: 'Agents, those who cannot take a call first',
    summary: 'Everybody',
  });
  const tally = new Tally((cell) => table.only(cell), CELLS);
  tally.show(cardOf(called, rows));
  table.node.open = true;
  table.show(rows);
  const [words, tone] = headline(called, rows.length);
  const gaps = called.gaps.length ? el('div', { class: 'notice attention' }, called.gaps.map((gap) => el('p', {}, gap))) : null;
  announce(words);
  return [
    el('section', { class: 'card', 'aria-labelledby': 'answer' },
      el('div', { class: `notice ${tone}` }, el('p', { id: 'answer' }, el('strong', {}, words))),
      gaps,
      el('p', { class: 'quiet' }, `${called.business_unit}, ${people(rows.length, 'agent')}, ${wall(zone).second(called.from)} to ${wall(zone).second(called.to)} ${zone}, ${people(called.reads, 'read')}.`),
      tally.node,
      el('p', { class: 'buttons' }, download(called))),
    table.node,
  ];
}

await page(async (main, known) => {
  const { entries } = await get('calendar');
  const units = [...new Set(entries.map((entry) => entry.business_unit))];
  const zoneOf = (unit) => entries.find((entry) => entry.business_unit === unit)?.zone ?? 'UTC';
  const unit = el('input', { id: 'unit', type: 'text', required: true, list: 'units', autocomplete: 'off', value: units[0] ?? '' });
  const call = el('button', { type: 'submit', class: 'primary' }, 'Call the roll');
  const state = el('p', { class: 'quiet', role: 'status' });
  const result = el('div', { class: 'column' });
  const form = el('form', { class: 'filters' },
    el('label', { for: 'unit' }, 'Business unit, by name or id', unit), el('datalist', { id: 'units' }, units.map((name) => el('option', { value: name }))), call);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const wanted = unit.value.trim();
    call.disabled = true;
    fill(result);
    fill(state, `Reading the softphones of ${wanted}…`);
    try {
      const called = await post('checks', { business_unit: wanted }, intent(), READS_WITHIN_MS);
      fill(result, answer(called, zoneOf(wanted)));
      fill(state);
    } catch (error) {
      fill(state);
      fill(result, el('div', { class: 'notice alarm', role: 'alert' }, el('p', {}, `The roll could not be called: ${error.message}.`), error.advice ? el('p', {}, sentence(error.advice)) : null));
    } finally {
      call.disabled = false;
    }
  });
  const may = atLeast(known.role, ACTS);
  fill(main, el('div', { class: 'column' },
    el('section', { class: 'card' }, el('h1', {}, 'Roll call'),
      el('p', { class: 'facts' }, 'Reads every softphone of a business unit once, in bulk, and changes nothing.'),
      may ? form : el('p', { class: 'notice attention' }, 'Calling the roll costs calls of the organisation\'s budget, and takes an operator.'),
      state),
    result));
});
