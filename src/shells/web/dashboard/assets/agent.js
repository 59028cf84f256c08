// One agent's whole story in a run: the signals with their sources, what was tried, what comes next, every moment.
//
// Must never: leave out that a signal is missing.

import { get } from './api.js';
import { heardOf } from './ask.js';
import { clock } from './clock.js';
import { el, fill, heads, keepFocus, rowHead, td } from './dom.js';
import { page } from './frame.js';
import { follow } from './live.js';
import { kind, retry, runPath } from './parts.js';
import { ahead, lasting, wall } from './times.js';
import { triedWords } from './words.js';

const [, , runPart, , agentPart] = location.pathname.split('/');
const [runName, agentName] = [decodeURIComponent(runPart ?? ''), decodeURIComponent(agentPart ?? '')];
const SIGNALS = { presence: 'Presence', station: 'Station', call: 'Call', phone: 'Phone', probe: 'Media-token probe', page: 'Page', page_call: 'Call, as its page says', media_leg: 'Media leg' };
const TOKENS = { untouched: 'not refreshed', under_way: 'being refreshed', refreshed: 'refreshed', given_up: 'refresh given up', dead: 'must sign in again' };
const PLACES = { in_the_page: 'in the page', no_page: 'no page to take it', not_taken: 'the page did not take it', not_handed_over: 'not handed over', none: 'none' };

const plain = (value) => String(value).replaceAll('_', ' ');
/** What a signal says; one that carries more than a word names the word. */
function says(value) {
  if (value === null || value === undefined) return 'not known';
  if (typeof value === 'object') return Object.keys(value).map(plain).join(', ') || 'not known';
  return value === 'unknown' ? 'not known' : plain(value);
}

function facts(run, agent, time) {
  const { story } = agent;
  const after = story.ready_after_publish_ms;
  const list = [
    ['Verdict', kind(agent.cell)],
    ['Why', agent.reason],
    ['Shift', agent.shift_start ? time.moment(agent.shift_start) : 'not known'],
    ['Said since', story.judged_at ? time.second(story.judged_at) : null],
    ['First not ready', story.first_not_ready_at ? time.second(story.first_not_ready_at) : null],
    ['Ready', story.ready_at ? `${time.second(story.ready_at)}${after !== null && after >= 0 ? `, ${lasting(after)} after T` : ''}` : null],
    ['Enrolled', story.enrolled ? 'yes' : 'no: depends on the remedies'],
    ['Token', TOKENS[story.token] ?? plain(story.token)],
    ['New token at T', PLACES[story.new_token_at_publish] ?? plain(story.new_token_at_publish)],
    ['Tried', triedWords(story.tried) || 'nothing'],
    ['Refused', story.refused ? `${story.refused.words}${story.refused.correlation ? ` (correlation ${story.refused.correlation})` : ''}` : null],
    ['Next', agent.next ? `${agent.next}${ahead(agent.next_at, clock.now()) ? `, by ${time.second(agent.next_at)}` : ''}` : 'nothing'],
  ];
  return el('dl', { class: 'facts' }, list.filter(([, value]) => value).map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
}

function signals(agent, time) {
  const row = (signal) => el('tr', {},
    rowHead('Signal', SIGNALS[signal.signal] ?? plain(signal.signal)),
    td('Says', says(signal.says)),
    td('Source', signal.source),
    td('Last heard', signal.at ? time.second(signal.at) : 'never'));
  return el('section', { class: 'card' }, el('h2', {}, 'Signals'),
    el('div', { class: 'scroll' }, el('table', { class: 'stack' }, el('caption', { class: 'unseen' }, 'What each source says about the softphone'),
      heads('Signal', 'Says', 'Source', 'Last heard'), el('tbody', {}, agent.signals.map(row)))));
}

function moments(story, time) {
  const left = story.moments_left_out ? el('p', { class: 'quiet' }, `${story.moments_left_out} moments between the first and the newest are left out.`) : null;
  return el('section', { class: 'card' }, el('h2', {}, 'What was seen and done'), left,
    el('ol', { class: 'lines whole', 'aria-label': 'What was seen and done, in order' }, story.moments.map((moment) => el('li', {}, el('time', {}, time.second(moment.at)), el('span', {}, moment.what)))));
}

await page(async (main, known) => {
  const at = `runs/${encodeURIComponent(runName)}`;
  const look = () => Promise.all([get(at), get(`${at}/agents/${encodeURIComponent(agentName)}`)]);
  const draw = ([run, agent]) => {
    const time = wall(run.zone);
    document.title = `${agent.name} · softlanding`;
    keepFocus(main, () => fill(main, el('div', { class: 'column' },
      el('section', { class: 'card', 'aria-labelledby': 'agent-title' },
        el('p', { class: 'quiet' }, el('a', { href: runPath(runName) }, run.business_unit), ` · ${time.moment(run.publish_at)} ${run.zone}`),
        el('div', { class: 'card-head' }, el('h1', { id: 'agent-title' }, agent.name), retry(run, agent, known)),
        facts(run, agent, time)),
      el('div', { class: 'halves' }, moments(agent.story, time), signals(agent, time)))));
  };
  const first = await look();
  draw(first);
  if (first[0].over) return;
  follow(runName, first[0].last_seq, {
    heard: (frame) => {
      heardOf(frame.card);
      const changed = frame.changed.some((row) => row.agent === agentName);
      if (changed || frame.card.phase !== first[0].phase || frame.card.allowed.length !== first[0].allowed.length) look().then(draw, () => {});
    },
    state: (how) => (main.dataset.live = how),
  });
});
