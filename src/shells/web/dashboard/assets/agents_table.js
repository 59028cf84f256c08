// Agents as a table: what a picture of them shows, in words; by verdict, by name, a page at a time.
//
// Must never: draw thousands of rows at once.

import { el, fill, heads, keepFocus, rowHead, td } from './dom.js';
import { kind } from './parts.js';
import { KINDS, number } from './words.js';

const PAGE = 50;

export class AgentsTable {
  #rows = [];
  #from = 0;
  #waiting = false;

  /** A column is its heading and what a row has in it; the first is the agent, the second, the verdict, stands here. */
  constructor({ agent, columns, kinds = Object.keys(KINDS), caption, summary = 'Agents as a table' }) {
    this.columns = columns;
    this.agent = agent;
    const options = [['', 'everybody'], ...kinds.map((cell) => [cell, KINDS[cell][1]])];
    this.which = el('select', { id: 'which', onchange: () => this.#again() }, options.map(([value, words]) => el('option', { value }, words)));
    this.name = el('input', { id: 'name', type: 'search', autocomplete: 'off', oninput: () => this.#again() });
    this.body = el('tbody');
    this.where = el('span', { class: 'quiet', role: 'status' });
    this.back = el('button', { type: 'button', class: 'small', onclick: () => this.#turn(-PAGE) }, 'Earlier');
    this.on = el('button', { type: 'button', class: 'small', onclick: () => this.#turn(PAGE) }, 'Later');
    this.node = el('details', { class: 'card' },
      el('summary', {}, el('strong', {}, summary)),
      el('div', { class: 'filters' }, el('label', { for: 'which' }, 'Show', this.which), el('label', { for: 'name' }, 'Name contains', this.name)),
      el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Agents' }, el('table', { class: 'stack' },
        el('caption', { class: 'unseen' }, caption), heads('Agent', 'Verdict', ...columns.map(([name]) => name)), this.body)),
      el('p', { class: 'buttons' }, this.back, this.on, this.where));
    this.node.addEventListener('toggle', () => this.#draw());
  }

  /** Everybody, in the order of the table. */
  show(rows) {
    this.#rows = rows;
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
    return el('tr', {}, rowHead('Agent', this.agent(row)), td('Verdict', kind(row.cell)),
      this.columns.map(([name, of]) => td(name, of(row) ?? '')));
  }
}
