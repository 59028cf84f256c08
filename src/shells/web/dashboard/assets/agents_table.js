// The agents as a table: what the cells show, in words; by verdict, by name, a page at a time.
//
// Must never: draw thousands of rows at once.

import { el, fill, heads, keepFocus, rowHead, td } from './dom.js';
import { agentPath, kind, retry } from './parts.js';
import { wall } from './times.js';
import { KINDS, number } from './words.js';

const PAGE = 50;

export class AgentsTable {
  #rows = [];
  #from = 0;
  #waiting = false;

  constructor({ run, zone, known, card }) {
    this.run = run;
    this.known = known;
    this.card = card;
    this.time = wall(zone);
    const options = [['', 'everybody'], ...Object.entries(KINDS).map(([cell, [, many]]) => [cell, many])];
    this.which = el('select', { id: 'which', onchange: () => this.#again() }, options.map(([value, words]) => el('option', { value }, words)));
    this.name = el('input', { id: 'name', type: 'search', autocomplete: 'off', oninput: () => this.#again() });
    this.body = el('tbody');
    this.where = el('span', { class: 'quiet', role: 'status' });
    this.back = el('button', { type: 'button', class: 'small', onclick: () => this.#turn(-PAGE) }, 'Earlier');
    this.on = el('button', { type: 'button', class: 'small', onclick: () => this.#turn(PAGE) }, 'Later');
    this.node = el('details', { class: 'card' },
      el('summary', {}, el('strong', {}, 'Agents as a table')),
      el('div', { class: 'filters' }, el('label', { for: 'which' }, 'Show', this.which), el('label', { for: 'name' }, 'Name contains', this.name)),
      el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Agents' }, el('table', { class: 'stack' },
        el('caption', { class: 'unseen' }, 'Agents in order of shift start'), heads('Agent', 'Shift', 'Verdict', 'Why', 'Next', 'Do'), this.body)),
      el('p', { class: 'buttons' }, this.back, this.on, this.where));
    this.node.addEventListener('toggle', () => this.#draw());
  }

  /** Everybody, in order of shift start. */
  show(rows, card) {
    this.#rows = rows;
    this.card = card;
    // Frames come several a second; a table that is read need not change more often than that.
    if (this.#waiting || !this.node.open) return;
    this.#waiting = true;
    setTimeout(() => {
      this.#waiting = false;
      this.#draw();
    }, 1_000);
  }

  only(cell) {
    this.which.value = cell ?? '';
    this.#again();
  }

  #again() {
    this.#from = 0;
    this.#draw();
  }
  #turn(by) {
    this.#from = Math.max(0, this.#from + by);
    this.#draw();
  }

  #draw() {
    if (!this.node.open) return;
    const [cell, text] = [this.which.value, this.name.value.trim().toLowerCase()];
    const fits = this.#rows.filter((row) => (!cell || row.cell === cell) && (!text || row.name.toLowerCase().includes(text)));
    const shown = fits.slice(this.#from, this.#from + PAGE);
    keepFocus(this.body, () => fill(this.body, shown.map((row) => this.#row(row))));
    this.back.disabled = this.#from === 0;
    this.on.disabled = this.#from + PAGE >= fits.length;
    fill(this.where, fits.length ? `${number(this.#from + 1)} to ${number(this.#from + shown.length)} of ${number(fits.length)}` : 'nobody');
  }

  #row(row) {
    return el('tr', {},
      rowHead('Agent', el('a', { href: agentPath(this.run, row.agent) }, row.name)),
      td('Shift', row.shift_start ? this.time.moment(row.shift_start) : 'not known'),
      td('Verdict', kind(row.cell)),
      td('Why', row.reason ?? ''),
      td('Next', row.next ?? ''),
      td('Do', retry(this.card, row, this.known) ?? ''));
  }
}
