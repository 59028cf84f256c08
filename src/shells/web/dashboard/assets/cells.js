// One cell per agent, a row of them per shift start: a grid that is walked with the arrow keys.
//
// Must never: hold more cells than a browser bears; beyond that those who are well are counted and not drawn.

import { el, fill } from './dom.js';
import { agentPath } from './parts.js';
import { wall } from './times.js';
import { kindWords, number } from './words.js';

const CELLS_MAX = 12_000;
const [FEW, MANY] = [150, 1_500];
/** Folded into a number first, when there are too many. */
const FOLDED_FIRST = ['ready', 'unjudged', 'loggedout', 'recovered'];
/** How long a cell shows that it has just changed, in ms. */
const NEW_MS = 1_200;

export class Cells {
  #rows = new Map();
  #cells = new Map();
  #here = null;
  #only = null;

  constructor({ run, zone, publishAt, chosen }) {
    this.run = run;
    this.time = wall(zone);
    this.day = this.time.day(publishAt);
    this.chosen = chosen;
    this.grid = el('div', { class: 'cells', role: 'grid', 'aria-label': 'Agents by shift start; arrow keys move, Enter opens the story' });
    this.grid.addEventListener('keydown', (event) => this.#walk(event));
    this.grid.addEventListener('click', (event) => this.#open(event.target.closest('.cell')));
    this.grid.addEventListener('focusin', (event) => this.#enter(event.target.closest('.cell')));
    this.grid.addEventListener('pointerover', (event) => this.#show(event.target.closest('.cell')));
    this.grid.addEventListener('pointerleave', () => this.#show(this.#here));
  }

  /** Draws everybody: rows of agents in order of shift start. */
  draw(rows) {
    this.#rows = new Map(rows.map((row) => [row.seat, row]));
    this.#cells.clear();
    this.#here = null;
    const shifts = new Map();
    for (const row of rows) {
      const at = row.shift_start ?? '';
      if (!shifts.has(at)) shifts.set(at, []);
      shifts.get(at).push(row);
    }
    const folded = this.#foldedKinds(rows);
    this.grid.classList.toggle('few', rows.length <= FEW);
    this.grid.classList.toggle('many', rows.length > MANY);
    this.grid.setAttribute('aria-rowcount', String(shifts.size));
    fill(this.grid, [...shifts].map(([at, members]) => this.#shift(at, members, folded)));
    const first = this.#cells.values().next().value;
    if (first) this.#rove(first);
  }

  #foldedKinds(rows) {
    let left = rows.length;
    const folded = new Set();
    for (const cell of FOLDED_FIRST) {
      if (left <= CELLS_MAX) break;
      folded.add(cell);
      left -= rows.filter((row) => row.cell === cell).length;
    }
    return folded;
  }

  #shift(at, members, folded) {
    const name = at ? this.time.minute(at) : 'not known';
    const day = at && this.time.day(at) !== this.day ? ` ${this.time.moment(at).slice(0, 3)}` : '';
    const drawn = members.filter((row) => !folded.has(row.cell));
    const rest = members.length - drawn.length;
    return el('div', { class: 'shift', role: 'row' },
      el('span', { class: 'name', role: 'rowheader' }, `${name}${day}`, el('small', {}, ` ${number(members.length)}`)),
      el('span', { class: 'row', role: 'presentation' },
        drawn.map((row) => this.#cell(row)),
        rest ? el('span', { class: 'folded', role: 'gridcell' }, `and ${number(rest)} more`) : null));
  }

  #cell(row) {
    const cell = el('span', { class: 'cell', role: 'gridcell', tabindex: '-1', data: { cell: row.cell, seat: row.seat }, 'aria-label': this.#told(row) });
    this.#cells.set(row.seat, cell);
    return cell;
  }

  #told = (row) => `${row.name}: ${row.reason && row.cell !== 'oncall' && row.cell !== 'loggedout' ? `${kindWords(row.cell)}, ${row.reason}` : kindWords(row.cell)}`;

  /** Takes in rows of whom something else is said now. */
  change(rows) {
    for (const row of rows) {
      const before = this.#rows.get(row.seat);
      this.#rows.set(row.seat, row);
      const cell = this.#cells.get(row.seat);
      if (!cell) continue;
      cell.setAttribute('aria-label', this.#told(row));
      if (before?.cell === row.cell) continue;
      cell.dataset.cell = row.cell;
      cell.classList.toggle('filtered', this.#only !== null && this.#only !== row.cell);
      cell.classList.add('new');
      setTimeout(() => cell.classList.remove('new'), NEW_MS);
    }
  }

  /** Shows one kind and dims the others; `null` shows all. */
  only(kind) {
    this.#only = kind;
    for (const cell of this.#cells.values()) cell.classList.toggle('filtered', kind !== null && cell.dataset.cell !== kind);
  }

  #rove(cell) {
    if (this.#here) this.#here.tabIndex = -1;
    this.#here = cell;
    cell.tabIndex = 0;
  }
  #enter(cell) {
    if (!cell) return;
    this.#rove(cell);
    this.#show(cell);
  }
  #show(cell) {
    const row = cell && this.#rows.get(Number(cell.dataset.seat));
    if (row) this.chosen(row);
  }
  #open(cell) {
    const row = cell && this.#rows.get(Number(cell.dataset.seat));
    if (row) location.assign(agentPath(this.run, row.agent));
  }

  #walk(event) {
    const cell = event.target.closest('.cell');
    if (!cell || event.altKey || event.metaKey) return;
    const to = this.#next(cell, event.key, event.ctrlKey);
    if (event.key === 'Enter' || event.key === ' ') this.#open(cell);
    else if (to) to.focus();
    else return;
    event.preventDefault();
  }

  #next(cell, key, whole) {
    const all = () => [...this.#cells.values()];
    const inRow = [...cell.parentElement.querySelectorAll('.cell')];
    switch (key) {
      case 'ArrowRight': return all()[all().indexOf(cell) + 1];
      case 'ArrowLeft': return all()[all().indexOf(cell) - 1];
      case 'ArrowDown': return this.#line(cell, 1);
      case 'ArrowUp': return this.#line(cell, -1);
      case 'Home': return whole ? all()[0] : inRow[0];
      case 'End': return whole ? all().at(-1) : inRow.at(-1);
      default: return null;
    }
  }

  /** The cell below or above, as it is seen. */
  #line(cell, way) {
    const from = cell.getBoundingClientRect();
    let best = null;
    for (const other of this.#cells.values()) {
      const at = other.getBoundingClientRect();
      const down = (at.top - from.top) * way;
      if (down < 3) continue;
      const far = down * 1000 + Math.abs(at.left - from.left);
      if (!best || far < best.far) best = { other, far };
    }
    return best?.other;
  }
}
