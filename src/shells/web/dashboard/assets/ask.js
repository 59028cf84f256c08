// A dialog that asks for a reason, sends an order under one key, and shows what came of it. What an order means changes with the
// publish: the dialog says it anew, and the order goes along with the side of the publish on which it is meant.
//
// Must never: send an order without a reason, twice as two, or with another meaning than the one that was read.

import { get, intent, post } from './api.js';
import { el, fill, focusOn } from './dom.js';
import { toast } from './frame.js';
import { sentence } from './words.js';

const WHY_CHARS_MAX = 500;

/** Each wish: the button, what it means before the publish and after it, whether it is hard to take back, the role. */
export const WISHES = {
  approve: { words: 'Approve', before: 'The publish may be made at its time.', after: 'The publish may be made at its time.', role: 'approver', tone: 'primary' },
  hold: { words: 'Hold', before: 'Nothing is published until somebody resumes.', after: 'The publish stands. No remedy is begun until somebody resumes.', role: 'operator', tone: '' },
  resume: { words: 'Resume', before: 'It goes on. A schedule that has changed is accepted as it is now.', after: 'Remedies go on, those that a brake has stopped as well.', role: 'operator', tone: 'primary' },
  abort: { words: 'Abort', before: 'The run ends, and nothing is left behind.', after: 'The publish stands. No more remedies are begun, for good.', role: 'operator', tone: 'danger' },
  retry: { words: 'Try again', before: 'The agent is looked at and helped again at once.', after: 'The agent is looked at and helped again at once, from the gentlest remedy.', role: 'operator', tone: '' },
};

/** The dialog that is open, if one is. */
let open = null;

/** Phases after the claim: the publish cannot be called back there. */
export const isAfterClaim = (card) => ['checking', 'settling', 'settled'].includes(card.phase) || (card.publish?.late_ms ?? null) !== null;

/** Whether the server has said that nothing was done. */
const isAnswer = ({ status, kind }) => status < 500 && !kind.endsWith(':in-hand');

/** Has a dialog that is open say what its order means now, as the card of a run shows. */
export const heardOf = (card) => open?.heard(card);

const headingOf = () => document.querySelector('#main h1');

/** The focus goes back to the button that was pressed, or to the one that was drawn in its place, or else to the heading. */
function focusBack(name) {
  if (document.activeElement && document.activeElement !== document.body) return;
  const buttons = [...document.querySelectorAll('#main [data-wish]')];
  const button = buttons.find((one) => (one.getAttribute('aria-label') ?? one.textContent) === name);
  if (button) button.focus({ preventScroll: true });
  else focusOn(headingOf());
}

/** Asks, sends, tells. `card` is the run's as it is known now, `agent` a row, for `retry`. */
export function ask({ card, wish, agent = null }) {
  const meant = WISHES[wish];
  const run = card.run;
  let key = intent();
  let after = isAfterClaim(card);
  /** Whether it was sent and nobody knows what came of it: then it goes on as the same intent. */
  let isUnsure = false;
  const why = el('textarea', { id: 'why', required: true, maxlength: WHY_CHARS_MAX, 'aria-describedby': 'why-hint', autocomplete: 'off' });
  const error = el('p', { class: 'error', role: 'alert' });
  const means = el('p', { id: 'means' }, after ? meant.after : meant.before);
  const moved = el('p', { class: 'notice attention', role: 'alert', hidden: true });
  const send = el('button', { class: meant.tone || 'primary', type: 'submit' }, meant.words);
  const dialog = el('dialog', { 'aria-labelledby': 'ask-title', 'aria-describedby': 'means' });
  const close = () => dialog.close();
  const title = agent ? `${meant.words}: ${agent.name}` : `${meant.words} this run?`;
  const form = el('form', {},
    el('h2', { id: 'ask-title' }, title),
    moved,
    means,
    el('label', { for: 'why' }, 'Why'),
    why,
    el('p', { id: 'why-hint', class: 'quiet' }, 'Stands in the journal and in the report, with your name.'),
    error,
    el('div', { class: 'buttons' }, el('button', { type: 'button', onclick: close }, 'Cancel'), send));

  const heard = (now) => {
    if (now.run !== run || isAfterClaim(now) === after || send.disabled || isUnsure) return;
    after = !after;
    // It is another order from here on.
    key = intent();
    fill(means, after ? meant.after : meant.before);
    moved.hidden = false;
    fill(moved, after ? 'The publish has been made meanwhile. ' : 'The publish was not made after all. ',
      meant.before === meant.after ? '' : `${meant.words} means something else now.`);
  };
  /** The server knows better on which side of the publish the run is. */
  const lookAgain = () => get(`runs/${encodeURIComponent(run)}`).then(heard, () => {});

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const reason = why.value.trim();
    if (!reason) {
      fill(error, 'A reason is needed.');
      why.focus();
      return;
    }
    fill(error);
    send.disabled = true;
    try {
      const expects = after ? 'after_publish' : 'before_publish';
      await post(`runs/${encodeURIComponent(run)}/orders`, { wish, ...(agent ? { agent: agent.agent } : {}), expects, why: reason }, key);
      close();
      toast(`${meant.words}: handed to the run, which follows within a second or two.`);
    } catch (failure) {
      isUnsure = !isAnswer(failure);
      fill(error, `${sentence(failure.message)}${failure.advice ? ` ${sentence(failure.advice)}` : ''}`);
      send.disabled = false;
      if (failure.status === 409) await lookAgain();
    }
  });
  dialog.append(form);
  dialog.addEventListener('close', () => {
    open = null;
    dialog.remove();
    focusBack(agent ? retryName(agent) : meant.words);
  });
  document.body.append(dialog);
  open = { heard };
  dialog.showModal();
  why.focus();
}

/** What the button is called that has one agent tried again. */
export const retryName = (agent) => `${WISHES.retry.words}: ${agent.name}`;
