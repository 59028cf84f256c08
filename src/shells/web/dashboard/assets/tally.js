// Counts by verdict as tiles; pressing one shows only those.
//
// Must never: count by itself; the numbers are the run's.

import { el, say } from './dom.js';
import { mark } from './parts.js';
import { KINDS, kindCounts, number } from './words.js';

export class Tally {
  #tiles = new Map();
  #chosen = null;

  /** `choose` is told which kind alone is to be shown, or null; `kinds` are those that there can be. */
  constructor(choose, kinds = Object.keys(KINDS)) {
    this.choose = choose;
    this.node = el('ul', { class: 'tiles', 'aria-label': 'Agents by verdict; press one to see only those' }, kinds.map((cell) => this.#tile(cell)));
  }

  #tile(cell) {
    const [n, share] = [el('span', { class: 'n' }, '0'), el('span', { class: 'share' })];
    const button = el('button', { type: 'button', 'aria-pressed': 'false', onclick: () => this.press(cell) }, n, el('span', { class: 'what' }, mark(cell), KINDS[cell][1]), share);
    this.#tiles.set(cell, { button, n, share });
    return el('li', {}, button);
  }

  press(cell) {
    this.#chosen = this.#chosen === cell ? null : cell;
    for (const [kind, { button }] of this.#tiles) button.setAttribute('aria-pressed', String(kind === this.#chosen));
    this.choose(this.#chosen);
  }

  show(card) {
    for (const [cell, n] of Object.entries(kindCounts(card))) {
      const tile = this.#tiles.get(cell);
      if (!tile) continue;
      say(tile.n, number(n));
      const percent = card.agents ? (100 * n) / card.agents : 0;
      say(tile.share, percent > 0 && percent < 1 ? 'under 1 %' : `${Math.round(percent)} %`);
    }
  }
}
