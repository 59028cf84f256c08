// A run as it happens: frames of the event stream, in order, and whether the connection stands.
//
// Must never: leave a page that hears nothing looking as if it did.

/** Follows a run from a record on. `heard` gets each frame, `state` one of `live`, `lost`, `over`. */
export function follow(run, seq, { heard, state }) {
  let last = seq;
  let stream = null;
  let again = null;
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
      stream.close();
      state('over');
    });
    stream.addEventListener('error', () => {
      state('lost');
      if (stream.readyState === EventSource.CLOSED) again = setTimeout(open, 3_000);
    });
  };
  open();
  addEventListener('pagehide', () => {
    clearTimeout(again);
    stream.close();
  });
}
