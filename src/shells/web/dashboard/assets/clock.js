// The server's time: what it said last, and what has passed here since. In a rehearsal its clock may run faster than ours.
//
// Must never: count by this machine's own clock, which may be wrong.

/** How far apart two instants must be heard to tell how fast the server's clock runs, in ms. */
const SAMPLE_MS = 1_500;
/** A clock that seems this much faster is one; less is a slow network. */
const FASTER = 1.5;

let base = null;
let anchor = null;
let speed = 1;

export const clock = {
  /** Takes in an instant that the server has just told. */
  hear(text) {
    const at = text ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(at)) return;
    const here = performance.now();
    if (anchor && here - anchor.here > SAMPLE_MS) {
      const seen = (at - anchor.at) / (here - anchor.here);
      speed = seen > FASTER ? seen : 1;
      anchor = { at, here };
    }
    anchor ??= { at, here };
    base = { at, here };
  },
  /** Nothing is recorded ahead of its time: the server's clock has reached this instant. */
  reached(text) {
    if (Date.parse(text) > this.now()) this.hear(text);
  },
  /** Now, in ms since 1970. */
  now: () => (base ? base.at + (performance.now() - base.here) * speed : Date.now()),
};

/** Calls `tick` now and whenever the seconds may look different, until the page goes. */
export function everySecond(tick) {
  tick();
  setInterval(tick, 1000);
}
