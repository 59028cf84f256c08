// What a run spends of the rate budget: calls by what they were for, and how full the last minute was.
//
// Must never: count the token endpoint's calls against the API's budget; they have one of their own.

import { clock } from './clock.js';
import { el, fill } from './dom.js';
import { lasting } from './times.js';
import { fateWords, number } from './words.js';

const MINUTE_MS = 60_000;
const PURPOSES = { watch: 'looks before the publish', publish: 'the publish', sweep: 'bulk looks', single: 'looks at one agent', remedy: 'remedies', refresh: 'token refreshes' };
const APPROVALS = { not_needed: 'not needed', missing: 'missing', given: 'given' };

const counted = (calls) => Object.entries(calls ?? {}).filter(([purpose]) => purpose !== 'refresh').reduce((sum, [, n]) => sum + n, 0);

export class Budget {
  #seen = [];

  constructor() {
    this.node = el('section', { class: 'card' });
  }

  /** Calls in the last minute, as far as this page has looked; null while it has not looked for long enough. */
  #lastMinute(total) {
    const now = clock.now();
    this.#seen.push({ now, total });
    while (this.#seen.length > 2 && now - this.#seen[1].now > MINUTE_MS) this.#seen.shift();
    const [first] = this.#seen;
    const span = now - first.now;
    return span < MINUTE_MS / 6 ? null : Math.round(((total - first.total) * MINUTE_MS) / Math.max(span, MINUTE_MS / 6));
  }

  show(run) {
    const { calls, refused } = run.spent;
    const per = run.plan.calls_per_minute;
    const used = run.over ? null : this.#lastMinute(counted(calls));
    const meter = per && used !== null ? el('div', { class: 'meter', role: 'img', 'aria-label': `About ${used} of ${per} calls in the last minute` }, el('span')) : null;
    if (meter) meter.firstChild.style.width = `${Math.min(100, (100 * used) / per)}%`;
    const spent = Object.entries(PURPOSES).filter(([purpose]) => calls[purpose]).map(([purpose, words]) => [words, number(calls[purpose])]);
    const late = run.publish.late_ms;
    const facts = [
      ['Publish', run.publish.fate ? `${fateWords(run.publish.fate)}${late === null ? '' : `, ${lasting(late)} after T`}` : 'not made so far'],
      ['Approval', APPROVALS[run.approval] ?? run.approval],
      ['Budget', per ? `${number(per)} calls a minute` : 'not told by the platform'],
      used !== null ? ['Last minute', `about ${number(used)}`] : null,
      ...spent.map(([words, n]) => [`for ${words}`, n]),
      refused ? ['refused (429)', number(refused)] : null,
    ];
    fill(this.node, el('h2', {}, 'Publish and budget'), meter, el('dl', { class: 'facts' }, facts.filter(Boolean).map(([name, value]) => [el('dt', {}, name), el('dd', { class: 'num' }, value)])));
  }
}
