// The server's time: what it said last, and what has passed here since. In a rehearsal its clock may run faster than ours.
//
// Must never: count by this machine's own clock, which may be wrong.

const SAMPLE_MS = 1_500;

let base = null;
let speed = 1;

export const clock = {
  /** Takes in an instant that the server has just told. */
  hear(text) {
    const at = text ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(at)) return;
    const here = performance.now();
    if (base && here - base.here > SAMPLE_MS) {
      const seen = (at - base.at) / (here - base.here);
      // A network that is slow now and then is no clock that is fast.
      speed = seen > 1.5 ? seen : 1;
    }
    if (!base || here - base.here > SAMPLE_MS) base = { at, here };
  },
  /** Now, in ms since 1970. */
  now: () => (base ? base.at + (performance.now() - base.here) * speed : Date.now()),
};

/** Calls `tick` now and whenever the seconds may look different, until the page goes. */
export function everySecond(tick) {
  tick();
  setInterval(tick, 1000);
}
