// A dialog that asks for a reason, sends an order under one key, and shows what came of it.
//
// Must never: send an order without a reason, or twice as two.

import { intent, post } from './api.js';
import { el, fill } from './dom.js';
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

/** Asks, sends, tells. `agent` is a row, for `retry`. */
export function ask({ run, wish, agent = null, afterClaim }) {
  const meant = WISHES[wish];
  const key = intent();
  const why = el('textarea', { id: 'why', required: true, maxlength: WHY_CHARS_MAX, 'aria-describedby': 'why-hint', autocomplete: 'off' });
  const error = el('p', { class: 'error', role: 'alert' });
  const send = el('button', { class: meant.tone || 'primary', type: 'submit' }, meant.words);
  const dialog = el('dialog', { 'aria-labelledby': 'ask-title' });
  const close = () => dialog.close();
  const title = agent ? `${meant.words}: ${agent.name}` : `${meant.words} this run?`;
  const form = el('form', {},
    el('h2', { id: 'ask-title' }, title),
    el('p', {}, afterClaim ? meant.after : meant.before),
    el('label', { for: 'why' }, 'Why'),
    why,
    el('p', { id: 'why-hint', class: 'quiet' }, 'Stands in the journal and in the report, with your name.'),
    error,
    el('div', { class: 'buttons' }, el('button', { type: 'button', onclick: close }, 'Cancel'), send));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const reason = why.value.trim();
    if (!reason) {
      fill(error, 'A reason is needed.');
      why.focus();
      return;
    }
    send.disabled = true;
    try {
      await post(`runs/${encodeURIComponent(run)}/orders`, { wish, ...(agent ? { agent: agent.agent } : {}), why: reason }, key);
      close();
      toast(`${meant.words}: handed to the run, which follows within a second or two.`);
    } catch (failure) {
      fill(error, `${failure.message}.${failure.advice ? ` ${sentence(failure.advice)}` : ''}`);
      send.disabled = false;
    }
  });
  dialog.append(form);
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  why.focus();
}
