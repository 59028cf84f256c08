// The API, as the dashboard asks it. Who is not signed in is sent to the sign-in, and comes back to the same page.
//
// Must never: send anything that changes something without the session's token, or try such a thing again by itself under
// another key.

import { clock } from './clock.js';

const SENT_AWAY = 'softlanding-sent-away';
/** An order is answered within a moment; after so long, in ms, something stands in between. */
const ANSWER_WITHIN_MS = 30_000;
/** What reads a whole organisation first may take so long, in ms. */
export const READS_WITHIN_MS = 600_000;

/** What the API has refused, in its own words. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? problem?.title ?? `the server answers ${status}`);
    this.status = status;
    this.hint = problem?.hint ?? null;
    this.kind = problem?.type ?? '';
  }
  /** The hint, where it is for people: one about another request is for programs. */
  get advice() {
    return this.hint?.startsWith('GET ') ? null : this.hint;
  }
}

/** Nobody knows whether it was done. */
export class Unanswered extends Error {
  advice = 'another window of softlanding may be in the way: close some, and send it again; however often it is sent, it is done once';
}

let csrf = null;

async function read(answer) {
  const text = await answer.text();
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function toSignIn() {
  // Where cookies are refused, every way in leads out again: once is enough.
  if (sessionStorage.getItem(SENT_AWAY)) {
    sessionStorage.removeItem(SENT_AWAY);
    throw new Refused(401, { detail: 'the sign-in does not hold: this browser keeps no cookie of softlanding' });
  }
  sessionStorage.setItem(SENT_AWAY, '1');
  location.assign(`/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
  return new Promise(() => {});
}

async function asked(path, options) {
  const answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...options });
  const body = await read(answer);
  if (answer.status === 401) return toSignIn();
  if (!answer.ok) throw new Refused(answer.status, body);
  clock.hear(body?.now);
  return body;
}

/** Reads a document below /api/v1. */
export const get = (path, signal) => asked(`/api/v1/${path}`, { headers: { accept: 'application/json' }, signal });

/** Who is signed in; keeps what must come with everything that changes something. */
export async function me() {
  const known = await get('me');
  sessionStorage.removeItem(SENT_AWAY);
  csrf = known.csrf;
  return known;
}

/** A key for one intent of a person: whatever is sent twice under it is done once. */
export const intent = () => crypto.randomUUID();

/** Has something done below /api/v1, under the key of an intent; what is not answered within a time is told as that. */
export async function post(path, body, key, withinMs = ANSWER_WITHIN_MS) {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), withinMs);
  try {
    return await asked(`/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-csrf-token': csrf ?? '', 'idempotency-key': key },
      body: JSON.stringify(body),
      signal: over.signal,
    });
  } catch (failure) {
    if (failure instanceof Refused) throw failure;
    throw new Unanswered(over.signal.aborted ? `softlanding has not answered within ${withinMs / 1_000} s` : 'softlanding cannot be reached');
  } finally {
    clearTimeout(timer);
  }
}

/** Ends the session. */
export async function signOut() {
  await asked('/sign-out', { method: 'POST', headers: { 'x-csrf-token': csrf ?? '' } });
  location.assign('/sign-in?out=1');
}

/** Every agent of a run, page by page, handed over as they come; gives the number of the record that events go on from. */
export async function eachAgent(run, take) {
  let after = null;
  let seq = null;
  do {
    const page = await get(`runs/${encodeURIComponent(run)}/agents?limit=2000${after === null ? '' : `&after=${after}`}`);
    take(page.agents);
    // What changed while the pages came is told once more by the events: better twice than not at all.
    seq ??= page.last_seq;
    after = page.next;
  } while (after !== null);
  return seq;
}
