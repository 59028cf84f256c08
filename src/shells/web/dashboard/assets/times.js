// Instants and durations in words.
//
// Must never: show an instant without saying in which zone, where it is not the run's own.

const pad = (n) => String(n).padStart(2, '0');
const formats = new Map();

function format(zone, name, options) {
  const key = `${zone} ${name}`;
  if (!formats.has(key)) {
    let made;
    try {
      made = new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options });
    } catch {
      made = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...options });
    }
    formats.set(key, made);
  }
  return formats.get(key);
}

const part = (zone, name, options) => (at) => {
  const ms = typeof at === 'number' ? at : Date.parse(at);
  return Number.isNaN(ms) ? '' : format(zone, name, options).format(ms).replace(',', '');
};

/** Ways to write instants on the wall clock of a zone. */
export const wall = (zone = 'UTC') => ({
  /** `16:00` */
  minute: part(zone, 'minute', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
  /** `16:00:05` */
  second: part(zone, 'second', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }),
  /** `Fri 27 Nov 16:00` */
  moment: part(zone, 'moment', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
  /** `27 Nov 2026` */
  day: part(zone, 'day', { day: 'numeric', month: 'short', year: 'numeric' }),
});

/** A countdown: `3 d 04:05:06`, `04:05:06`, `05:06`. */
export function ticking(ms) {
  const all = Math.max(0, Math.floor(Math.abs(ms) / 1000));
  const [days, hours, minutes, seconds] = [Math.floor(all / 86_400), Math.floor(all / 3_600) % 24, Math.floor(all / 60) % 60, all % 60];
  if (days > 0) return `${days} d ${pad(hours)}:${pad(minutes)}:${pad(seconds)}`;
  return hours > 0 ? `${pad(hours)}:${pad(minutes)}:${pad(seconds)}` : `${pad(minutes)}:${pad(seconds)}`;
}

/** A duration in words: `1 h 20 min`, `3 min`, `0.25 s`. */
export function lasting(ms) {
  const s = Math.abs(ms) / 1000;
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${s < 10 ? Number(s.toFixed(1)) : Math.round(s)} s`;
  const min = Math.round(s / 60);
  if (min < 60) return `${min} min`;
  if (min < 48 * 60) return min % 60 ? `${Math.floor(min / 60)} h ${min % 60} min` : `${min / 60} h`;
  return `${Math.floor(min / 1440)} d ${Math.floor(min / 60) % 24} h`;
}

/** The same where it lies ahead; `null` where it has passed. */
export const ahead = (at, now) => (at && Date.parse(at) > now ? at : null);

/** How far away an instant is: `in 3 min`, `3 min ago`. */
export function away(at, now) {
  const ms = (typeof at === 'number' ? at : Date.parse(at)) - now;
  return ms >= 0 ? `in ${lasting(ms)}` : `${lasting(ms)} ago`;
}
