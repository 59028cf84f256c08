// The calendar: the next publishes of its entries, and those of which nothing was made; what nobody has staged can be staged here.
//
// Must never: keep silent about a publish that cannot be staged or was missed, stage twice what was asked for once, or offer it to whoever may only look.

import { READS_WITHIN_MS, intent, post } from './api.js';
import { clock } from './clock.js';
import { el, fill, heads, keepFocus, rowHead, td } from './dom.js';
import { announce, atLeast, toast } from './frame.js';
import { runPath } from './parts.js';
import { away, wall } from './times.js';
import { occasionOf, sentence } from './words.js';

const SHOWN_MAX = 8;
/** Who may stage, and call a roll. */
export const ACTS = 'operator';

const inOrder = (calendar, of) => calendar.entries
  .flatMap((entry) => of(entry).map((one) => ({ ...one, entry: entry.entry, business_unit: entry.business_unit, zone: entry.zone })))
  .sort((a, b) => Date.parse(a.publish_at) - Date.parse(b.publish_at));

/** Every publish that lies ahead, the next one first. */
export const occasions = (calendar) => inOrder(calendar, (entry) => entry.next);

/** Every publish that has passed with nothing made of it. */
export const lapsed = (calendar) => inOrder(calendar, (entry) => (entry.last ? [entry.last] : []));

/** When something is staged that is not: it lies ahead, or it has passed. */
export const stagedWhen = (next) => `${Date.parse(next.stage_at) > clock.now() ? 'to be staged' : 'was to be staged'} ${away(next.stage_at, clock.now())}`;

const ALARMS = {
  not_staged: 'cannot be staged so far, and is tried again',
  overdue: 'is overdue',
  missed: 'was missed',
};

/** What is wrong in the calendar, as notices. */
export const alarms = (all) => all.filter((one) => ALARMS[one.state]).map((one) => el('div', { class: 'notice alarm' },
  el('p', {}, el('strong', {}, `${one.business_unit}, entry ${one.entry}`),
    `: the publish of ${wall(one.zone).moment(one.publish_at)} ${one.zone} ${ALARMS[one.state]}`, one.why ? `. ${sentence(one.why)}` : '.')));

const nameOf = (next) => `${next.entry} ${next.publish_at}`;

export class Calendar {
  #upcoming = [];
  /** Those that are being staged, by entry and instant. */
  #staging = new Set();

  /** `changed` is called when something was staged. */
  constructor({ known, changed }) {
    this.known = known;
    this.changed = changed;
    this.trouble = el('div', { role: 'alert' });
    this.place = el('div');
    this.node = el('section', { class: 'card' }, el('h2', {}, 'Calendar'), this.trouble, this.place);
  }

  show(upcoming) {
    this.#upcoming = upcoming;
    keepFocus(this.place, () => fill(this.place, upcoming.length === 0
      ? el('p', { class: 'quiet' }, 'Nothing is published by itself.')
      : el('div', { class: 'scroll' }, el('table', { class: 'stack' }, el('caption', { class: 'unseen' }, 'The next publishes'),
        heads('Entry', 'Business unit', 'Publish', 'In', 'State', 'Do'), el('tbody', {}, upcoming.slice(0, SHOWN_MAX).map((next) => this.#row(next)))))));
  }

  #row(next) {
    return el('tr', {},
      rowHead('Entry', next.run ? el('a', { href: runPath(next.run) }, next.entry) : next.entry),
      td('Business unit', next.business_unit),
      td('Publish', wall(next.zone).moment(next.publish_at), ' ', el('span', { class: 'quiet' }, next.zone)),
      td('In', away(next.publish_at, clock.now())),
      td('State', next.state === 'planned' ? `planned, ${stagedWhen(next)}` : occasionOf(next.state).words),
      td('Do', this.#button(next) ?? ''));
  }

  #button(next) {
    if (!['planned', 'not_staged'].includes(next.state) || !atLeast(this.known.role, ACTS)) return null;
    const busy = this.#staging.has(nameOf(next));
    const label = `Stage now: ${next.entry}, ${wall(next.zone).moment(next.publish_at)}`;
    return el('button', { type: 'button', class: 'small', disabled: busy, 'aria-label': label, data: { stage: next.entry }, onclick: () => this.#stage(next) },
      busy ? 'Staging…' : 'Stage now');
  }

  async #stage(next) {
    this.#staging.add(nameOf(next));
    fill(this.trouble);
    this.show(this.#upcoming);
    announce(`Staging ${next.entry}.`);
    try {
      const card = await post('runs', { publish: next.entry, at: next.publish_at }, intent(), READS_WITHIN_MS);
      toast(`Staged: ${card.business_unit}, ${wall(card.zone).moment(card.publish_at)}.`);
      await this.changed();
    } catch (error) {
      fill(this.trouble, el('p', { class: 'notice alarm' }, `${next.entry} could not be staged: ${error.message}.`, error.advice ? ` ${sentence(error.advice)}` : ''));
    } finally {
      this.#staging.delete(nameOf(next));
      this.show(this.#upcoming);
    }
  }
}
