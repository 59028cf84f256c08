// A run as it happens: countdown, phases, counts, cells, stragglers, what people told it, its log; and the buttons.
//
// Must never: show what is old as if it were now: when the connection is lost, the page says so.

import { AgentsTable } from './agents_table.js';
import { eachAgent, get } from './api.js';
import { heardOf } from './ask.js';
import { Budget } from './budget.js';
import { Cells } from './cells.js';
import { clock, everySecond } from './clock.js';
import { el, fill, keepFocus, say } from './dom.js';
import { announce, page } from './frame.js';
import { follow } from './live.js';
import { agentPath, countdown, orders, retry, stateBadge } from './parts.js';
import { Stragglers } from './stragglers.js';
import { Tally } from './tally.js';
import { timelineInto } from './timeline.js';
import { wall } from './times.js';
import { kindWords, number, people, phaseWords, stateOf } from './words.js';

const LINES_MAX = 300;
/** Runs of so many agents are told from the beginning; of larger ones, only so many of the newest records. */
const [WHOLE_AGENTS_MAX, RECORDS] = [2_000, 400];
/** A whole look at the run's document after a change, at most this often, in ms. */
const LOOK_EVERY_MS = 2_000;

const runName = decodeURIComponent(location.pathname.split('/')[2] ?? '');

function header(run, known) {
  const { node, tick, result } = countdown(run.publish_at);
  const state = el('span', {});
  const doing = el('div', { class: 'buttons', role: 'group', 'aria-label': 'Orders' });
  const link = el('span', { class: 'badge', id: 'connection', role: 'status' });
  const why = el('p', { class: 'facts' });
  const answer = el('p', { id: 'answer' });
  const time = wall(run.zone);
  const card = el('section', { class: 'card hero', 'aria-labelledby': 'run-title' },
    el('div', {},
      el('h1', { id: 'run-title' }, run.business_unit),
      el('p', {}, state, ' ', link),
      el('p', {}, el('strong', {}, time.moment(run.publish_at)), ` ${run.zone} · ${run.schedule} · week of ${run.week} · ${people(run.agents, 'agent')}`),
      el('p', { class: 'facts' }, run.run, run.entry ? ` · entry ${run.entry}` : ''),
      answer, why, doing),
    node);
  let shape = '';
  return {
    card,
    tick,
    show(now) {
      if (now.over && now.publish.late_ms !== null) result(`${number(now.tally.ready + now.tally.recovered)} of ${number(now.agents)}`, 'softphones ready');
      fill(state, stateBadge(now));
      say(answer, now.answer ?? '');
      say(why, now.why ?? '');
      const next = JSON.stringify([now.allowed, now.approval, now.held, now.phase, now.publish.late_ms]);
      if (next === shape) return;
      shape = next;
      const buttons = orders(now, known);
      keepFocus(doing, () => fill(doing, buttons));
      doing.hidden = buttons.length === 0;
    },
    connection(words, tone, lost) {
      link.className = `badge ${tone}${lost ? ' lost' : ''}`;
      fill(link, el('span', { class: 'dot', 'aria-hidden': 'true' }), words);
    },
  };
}

/** What people told it and what stopped remedies; drawn anew only when there is more, so that whoever reads in it is left alone. */
class Told {
  #shape = '';

  constructor(zone) {
    this.time = wall(zone);
    this.place = el('div', {});
    this.node = el('section', { class: 'card' }, el('h2', {}, 'Orders and brakes'), this.place);
  }
  show(run) {
    const brakes = run.brakes.map((brake) => ({ at: brake.at, words: `stopped${brake.rung ? ` (${brake.rung})` : ''}: ${brake.why}` }));
    const all = [...run.control, ...brakes].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).reverse();
    const shape = JSON.stringify(all);
    if (shape === this.#shape) return;
    this.#shape = shape;
    const lines = all.map((line) => el('li', {}, el('time', {}, this.time.second(line.at)), el('span', {}, line.words)));
    keepFocus(this.place, () => fill(this.place, all.length
      ? el('ol', { class: 'lines', tabindex: '0', 'aria-label': 'Orders and brakes, the newest first' }, lines)
      : el('p', { class: 'quiet' }, 'Nobody has told the run anything, and nothing was stopped.')));
  }
}

function reports(run) {
  const at = (kind) => `/api/v1/runs/${encodeURIComponent(run.run)}/report.${kind}`;
  const link = (kind, words) => el('a', { class: 'button', href: at(kind), download: `${run.run}.${kind}` }, words);
  return el('section', { class: 'card' }, el('h2', {}, 'Report'), el('p', { class: 'quiet' }, run.over ? 'The whole story of the run.' : 'As far as the story has come.'),
    el('p', { class: 'buttons' }, link('html', 'HTML'), link('md', 'Markdown'), link('json', 'JSON')));
}

class Log {
  constructor(zone) {
    this.time = wall(zone);
    this.list = el('ol', { class: 'lines', tabindex: '0', 'aria-label': 'What happened, the newest first' });
    this.node = el('section', { class: 'card' }, el('h2', {}, 'Log'), this.list);
  }
  add(frame) {
    const lines = frame.words.map((words, at) => el('li', {}, el('time', {}, this.time.second(frame.words_at[at])), el('span', {}, words)));
    this.list.prepend(...lines.reverse());
    while (this.list.children.length > LINES_MAX) this.list.lastChild.remove();
  }
}

await page(async (main, known) => {
  let run = await get(`runs/${encodeURIComponent(runName)}`);
  document.title = `${run.business_unit} · softlanding`;
  const rows = new Map();
  const head = header(run, known);
  const whose = el('p', { class: 'whose', id: 'whose' }, 'Point at a cell, or walk the cells with the arrow keys.');
  const time = wall(run.zone);
  const cells = new Cells({
    run: runName, zone: run.zone, publishAt: run.publish_at,
    chosen: (row) => fill(whose, el('strong', {}, el('a', { href: agentPath(runName, row.agent), tabindex: '-1' }, row.name)), `: ${kindWords(row.cell)}`, row.reason ? `, ${row.reason}` : '',
      row.shift_start ? `. Shift ${time.minute(row.shift_start)}` : '', row.next ? `. Next: ${row.next}` : '', '.'),
  });
  const table = new AgentsTable({
    agent: (row) => el('a', { href: agentPath(runName, row.agent) }, row.name),
    columns: [
      ['Shift', (row) => (row.shift_start ? time.moment(row.shift_start) : 'not known')],
      ['Why', (row) => row.reason],
      ['Next', (row) => row.next],
      ['Do', (row) => retry(run, row, known)],
    ],
    caption: 'Agents in order of shift start',
  });
  const tally = new Tally((cell) => {
    cells.only(cell);
    table.only(cell);
  });
  const stragglers = new Stragglers({ run: runName, zone: run.zone, known });
  const log = new Log(run.zone);
  const phases = el('section', { class: 'card', 'aria-label': 'Phases' });
  const budget = new Budget();
  const told = new Told(run.zone);
  const files = el('div', {});
  const facts = el('div', { class: 'column' }, budget.node, told.node, files);

  const everyone = () => [...rows.values()];
  const showCard = (card) => {
    head.show({ ...run, ...card });
    tally.show(card);
    stragglers.show(everyone(), card);
    table.show(everyone());
  };
  const showRun = () => {
    showCard(run);
    timelineInto(phases, run);
    budget.show(run);
    told.show(run);
    keepFocus(files, () => fill(files, reports(run)));
  };
  let waiting = null;
  const look = async () => {
    waiting = null;
    run = await get(`runs/${encodeURIComponent(runName)}`).catch(() => run);
    showRun();
  };
  const lookSoon = () => {
    waiting ??= setTimeout(look, LOOK_EVERY_MS);
  };

  const seq = await eachAgent(runName, (agents) => agents.forEach((row) => rows.set(row.seat, row)));
  cells.draw(everyone());
  showRun();
  fill(main, el('div', { class: 'column' }, head.card, phases,
    el('section', { class: 'card', 'aria-label': 'Softphones' }, el('div', { class: 'card-head' }, el('h2', {}, 'Softphones'), el('span', { class: 'quiet' }, 'one cell per agent, by shift start')), tally.node, el('br'), cells.grid, whose),
    el('div', { class: 'grid2' }, el('div', { class: 'column' }, stragglers.node, log.node), facts),
    table.node));
  // Only what is on the page has a width to be moved in.
  timelineInto(phases, run);
  everySecond(() => {
    head.tick();
    if (!run.over) stragglers.show(everyone(), run);
    if (!run.over) timelineInto(phases, run);
  });

  let [phase, lost] = [run.phase, false];
  head.connection('connecting…', '', true);
  follow(runName, run.agents <= WHOLE_AGENTS_MAX ? 0 : Math.max(0, seq - RECORDS), {
    heard(frame) {
      frame.changed.forEach((row) => rows.set(row.seat, row));
      cells.change(frame.changed);
      clock.reached(frame.at);
      log.add(frame);
      run = { ...run, ...frame.card };
      heardOf(frame.card);
      showCard(frame.card);
      if (frame.card.phase !== phase) {
        phase = frame.card.phase;
        announce(`${run.business_unit}: ${stateOf(frame.card).words}. ${phaseWords(phase)}.`);
      }
      lookSoon();
    },
    async state(how) {
      if (how === 'over') await look();
      if (how === 'live') head.connection('live', 'calm', false);
      if (how === 'over') head.connection('over', '', false);
      if (how === 'paused') head.connection('paused while nobody looks', '', true);
      if (how === 'lost') head.connection('connection lost, trying again', 'alarm', true);
      if (how === 'lost' && !lost) announce('The connection is lost. What is shown may be old.');
      lost = how === 'lost';
      main.dataset.live = how;
    },
  });
});
