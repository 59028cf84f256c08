// Those whose softphone cannot take a call: why, what was tried, what comes next and when; the nearest shift first.
//
// Must never: ask for every agent's story; only for the few that are shown.

import { get } from './api.js';
import { clock } from './clock.js';
import { el, fill, keepFocus, say } from './dom.js';
import { agentPath, mark, retry } from './parts.js';
import { ahead, wall } from './times.js';
import { number, triedWords } from './words.js';

const SHOWN_MAX = 12;
/** What was tried is asked for anew so often, in ms. */
const ASK_EVERY_MS = 5_000;

const tried = (story) => (story?.tried?.length ? `tried: ${triedWords(story.tried)}` : 'nothing tried so far');

export class Stragglers {
  #stories = new Map();
  #shape = '';
  #histories = new Map();
  #asked = 0;

  constructor({ run, zone, known }) {
    this.run = run;
    this.known = known;
    this.time = wall(zone);
    this.list = el('ul', { class: 'people' });
    this.count = el('span', { class: 'quiet' });
    this.node = el('section', { class: 'card', 'aria-labelledby': 'stragglers-title' },
      el('div', { class: 'card-head' }, el('h2', { id: 'stragglers-title' }, 'Stragglers'), this.count), this.list);
  }

  show(rows, card) {
    const all = rows.filter((row) => row.cell === 'straggler');
    const shown = all.slice(0, SHOWN_MAX);
    const shape = JSON.stringify([shown, all.length, card.allowed]);
    if (shape === this.#shape) {
      this.#again();
      return;
    }
    this.#shape = shape;
    fill(this.count, all.length > shown.length ? `${number(shown.length)} of ${number(all.length)}, the nearest shifts` : '');
    keepFocus(this.list, () => this.#draw(all, shown, card));
  }

  /** What was tried changes although nothing else is said of an agent. */
  #again() {
    if (performance.now() - this.#asked < ASK_EVERY_MS) return;
    this.#asked = performance.now();
    for (const [row, history] of this.#histories) this.#ask(row, history);
  }

  #ask(row, history) {
    get(`runs/${encodeURIComponent(this.run)}/agents/${encodeURIComponent(row.agent)}`).then((agent) => {
      this.#stories.set(row.seat, tried(agent.story));
      say(history, tried(agent.story));
    }, () => {});
  }

  #draw(all, shown, card) {
    this.#histories.clear();
    this.#asked = performance.now();
    if (shown.length === 0) fill(this.list, el('li', { class: 'quiet' }, card.over || card.not_checked < card.agents ? 'Nobody.' : 'Nobody has been checked so far.'));
    else fill(this.list, shown.map((row) => this.#item(row, card)));
  }

  #item(row, card) {
    const history = el('p', { class: 'sub' }, this.#stories.get(row.seat) ?? '…');
    this.#histories.set(row, history);
    this.#ask(row, history);
    const shift = row.shift_start ? `shift ${this.time.minute(row.shift_start)}` : 'shift not known';
    const next = row.next ? `next: ${row.next}${ahead(row.next_at, clock.now()) ? `, by ${this.time.second(row.next_at)}` : ''}` : '';
    return el('li', {},
      el('div', { class: 'head' },
        el('span', {}, mark('straggler'), ' ', el('a', { href: agentPath(this.run, row.agent) }, row.name), ' ', el('span', { class: 'sub' }, shift)),
        retry(card, row, this.known)),
      el('p', {}, row.reason ?? ''),
      history,
      next ? el('p', { class: 'sub' }, next) : null);
  }
}
