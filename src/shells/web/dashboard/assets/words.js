// The dashboard's words for what the API names, and how loud each is.
//
// Must never: hide a name that only a newer server knows; it is shown as it came.

/** Kinds of verdict, from the best to the worst, as cells draw them: name, name for many. */
export const KINDS = {
  ready: ['ready without help', 'ready'],
  recovered: ['recovered', 'recovered'],
  oncall: ['on a call, not touched', 'on a call'],
  loggedout: ['logged out', 'logged out'],
  unknown: ['unknown', 'unknown'],
  straggler: ['straggler', 'stragglers'],
  unjudged: ['not checked yet', 'not checked'],
};

const PHASES = {
  waiting: 'staged, waits for its time',
  refreshing: 'refreshing tokens',
  preparing: 'last look before the publish',
  publishing: 'publishing',
  checking: 'checking softphones',
  settling: 'settling',
  settled: 'settled',
  stopped: 'stopped',
  in_doubt: 'in doubt',
};
const ENDINGS = {
  settled: ['settled', 'calm'],
  vetoed: ['vetoed', 'attention'],
  drifted: ['schedule changed', 'attention'],
  missed: ['missed', 'alarm'],
  refused: ['refused', 'alarm'],
  aborted: ['aborted', 'attention'],
  in_doubt: ['in doubt', 'alarm'],
};
const FATES = { on_time: 'on time', late: 'late', elsewhere: 'published by somebody else', in_doubt: 'in doubt' };
const NEEDS = { approval: 'waits for approval', resume: 'waits for somebody to resume', look: 'a person should look' };

const RUNGS = {
  companion: 'initialised again by its page',
  token_refresh: 'token refresh',
  session_reset: 'session reset',
  reassociate: 'station re-association',
  reboot_phone: 'phone reboot',
  revoke_tokens: 'forced new login',
  ask: 'asking a person',
};

const plain = (name) => String(name ?? '').replaceAll('_', ' ');

export const phaseWords = (phase) => PHASES[phase] ?? plain(phase);
export const rungWords = (rung) => RUNGS[rung] ?? plain(rung);
/** What was tried, each with how often: `session reset (2 times), phone reboot`. */
export const triedWords = (tried) => (tried ?? []).map(({ rung, times }) => `${rungWords(rung)}${times > 1 ? ` (${times} times)` : ''}`).join(', ');
export const fateWords = (fate) => FATES[fate] ?? plain(fate);
export const kindWords = (cell) => KINDS[cell]?.[0] ?? plain(cell);

/** How a run stands, in a few words and a tone: calm, attention or alarm. */
export function stateOf(card) {
  if (card.over || card.ending !== 'open') {
    const [words, tone] = ENDINGS[card.ending] ?? [plain(card.ending), 'attention'];
    if (card.ending === 'settled' && card.tally.stragglers > 0) return { words: `settled, ${people(card.tally.stragglers, 'straggler')}`, tone: 'attention' };
    return { words, tone };
  }
  if (card.held) return { words: 'held', tone: 'attention' };
  if (card.needs) return { words: NEEDS[card.needs] ?? plain(card.needs), tone: card.needs === 'look' ? 'alarm' : 'attention' };
  return { words: phaseWords(card.phase), tone: 'calm' };
}

const OCCASIONS = {
  planned: ['planned', 'calm'],
  not_staged: ['cannot be staged so far', 'alarm'],
  overdue: ['overdue', 'alarm'],
  missed: ['missed', 'alarm'],
};

/** How a publish of the calendar stands, staged or not. */
export function occasionOf(state) {
  const [words, tone] = OCCASIONS[state] ?? [phaseWords(state), 'calm'];
  return { words, tone };
}

/** `1 straggler`, `2 stragglers`. */
export const people = (n, one) => `${number(n)} ${one}${n === 1 ? '' : 's'}`;

/** A fragment of the API's as a sentence. */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.?!]$/.test(text) ? '' : '.');

/** A number with thin groups: `12,000`. */
export const number = (n) => Number(n ?? 0).toLocaleString('en-GB');

/** Counts by kind of cell, from a card. */
export const kindCounts = (card) => ({
  ready: card.tally.ready,
  recovered: card.tally.recovered,
  oncall: card.on_call ?? 0,
  loggedout: Math.max(0, card.tally.deferred - (card.on_call ?? 0)),
  unknown: card.tally.unknown,
  straggler: card.tally.stragglers,
  unjudged: card.not_checked ?? Math.max(0, card.agents - Object.values(card.tally).reduce((sum, n) => sum + n, 0)),
});
