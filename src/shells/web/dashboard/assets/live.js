// A run as it happens: frames of the event stream, in order, and whether the connection stands. A page that nobody sees hears
// nothing: a browser has few connections for all the pages of one host, and others want to say something.
//
// Must never: leave a page that hears nothing looking as if it did.

import { me } from './api.js';

const AGAIN_MS = 3_000;

/** Follows a run from a record on. `heard` gets each frame, `state` one of `live`, `lost`, `paused`, `over`. */
export function follow(run, seq, { heard, state }) {
  let last = seq;
  let stream = null;
  let again = null;
  let over = false;
  let turn = 0;
  // What refuses a stream does not say why: whoever is not signed in any more is sent to the sign-in by another request.
  const openAgain = async () => {
    const mine = (turn += 1);
    const isKnown = await me().then(() => true, () => false);
    if (mine !== turn) return;
    if (isKnown) open();
    else again = setTimeout(openAgain, AGAIN_MS);
  };
  const open = () => {
    // The browser resumes by itself with the last id; the number in the address is for the first time, and after a refusal.
    stream = new EventSource(`/api/v1/runs/${encodeURIComponent(run)}/events?after=${last}`);
    stream.addEventListener('open', () => state('live'));
    stream.addEventListener('record', (event) => {
      const frame = JSON.parse(event.data);
      last = frame.seq;
      heard(frame);
    });
    stream.addEventListener('over', () => {
      over = true;
      stream.close();
      state('over');
    });
    stream.addEventListener('error', () => {
      state('lost');
      if (stream.readyState === EventSource.CLOSED) again = setTimeout(openAgain, AGAIN_MS);
    });
  };
  const close = () => {
    turn += 1;
    clearTimeout(again);
    stream?.close();
  };
  const look = () => {
    if (over) return;
    close();
    if (document.hidden) state('paused');
    else open();
  };
  look();
  document.addEventListener('visibilitychange', look);
  addEventListener('pagehide', close);
}
