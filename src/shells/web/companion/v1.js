// The companion: stands beside the softphone SDK in an agent's page, tells softlanding how the softphone is, and does
// there what no server can do: hands over a fresh token, opens a new channel, revives a client that has given up.
//
// Must never: drop a call or touch a softphone that is on one; leave two sockets; log or store an access token; throw into
// the page; do anything of its own accord while softlanding cannot be reached.
//
// Written against genesys-cloud-webrtc-sdk 9.2 to 14. What is not in the SDK's published interface is used in one place
// only (`phoneOf`), and only when it looks as it does in those versions.

// Bounds, all in milliseconds unless they say otherwise.
const LIMITS = {
  backoff_first_ms: 1_000, // the cap of the first wait before softlanding is called again; doubles
  backoff_max_ms: 60_000,
  steady_ms: 30_000, // a connection that lived so long starts the waits anew; a shorter one does not
  welcome_ms: 10_000, // from opening to the welcome
  known_ms: 5_000, // how long the first call waits until the SDK knows whose page this is
  patience_ms: 8_000, // how long a client that is still trying may heal itself (9.2 gives up after 6.1 s)
  disconnect_ms: 6_000, // the SDK's own bound is 5 s
  cancel_ms: 100,
  end_line_ms: 1_000,
  subscribe_ms: 500, // from the connection to the subscriptions
  dial_ms: 20_000, // an attempt of the SDK takes at most 15 s
  probe_min_ms: 30_000, // an answer of the platform is good for so long, and not asked for more often unprompted
  probe_every_ms: 300_000, // a revoked token makes no sound while the socket is up; 0 never asks unprompted
  probe_timeout_ms: 10_000,
  quiet_ms: 110_000, // longer than the longest pause between two attempts of the SDK (90 s, and 15 s for one attempt)
  ring_max_ms: 180_000, // what rings longer is a ring whose end was not heard
  after_call_ms: 500, // from the end of a call to what was put off until then
  look_ms: 1_000, // how often the end of a call is looked for while something waits for it
  patrol_ms: 10_000, // how often it is looked whether something changed of which no event tells
  ask_over_ms: 10_000, // how often the platform is asked whether a call is over of which no news can come
  revive_jitter_ms: 250, // many pages are told at once
  renew_jitter_ms: 2_000,
  waiting_max: 32, // commands that wait
  remembered_max: 64, // answers kept, so that a command that comes twice is done once
  report_ms: 2_000, // how long an answer waits for the report that goes before it
  words_max: 500, // characters of a banner
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
// What was read, or null: a part of the SDK that is missing or throws tells nothing.
const quietly = (read) => {
  try {
    return read() ?? null;
  } catch {
    return null;
  }
};
const soon = (act) => Promise.resolve().then(act);
const within = (promise, ms, what) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms / 1000} s`)), ms);
  });
  return Promise.race([Promise.resolve(promise), late]).finally(() => clearTimeout(timer));
};
// Words for an answer: short, and never what an error carries along (requests, with their headers).
const why = (error) => String(error?.message ?? error).slice(0, 120);

// ---------------------------------------------------------------------------------------------------- the softphone

const REPLACED = Symbol('replaced by a newer connection');

// The only part that touches the SDK. `changed` is called after everything that may have changed the softphone's state.
function phoneOf(sdk, limits, changed) {
  const born = Date.now();
  const seen = {
    downSince: born,
    upSince: 0, // when it last reconnected
    heardDown: false, // whether we were there when it went down; if not, nothing is known of what it tries
    gaveUp: false,
    http: null,
    httpAt: 0,
    httpOf: null, // the token that it was asked with
    asking: null,
    redialledAt: 0,
    dialling: null,
    moving: false, // we are disconnecting it ourselves
    rings: new Map(), // conversation -> since when it rings
    answered: new Set(), // conversations whose session has begun or ended, the last ones
    over: new Set(),
  };
  const remember = (set, one) => {
    set.add(one);
    for (const old of set) if (set.size > limits.remembered_max) set.delete(old);
  };
  const stream = () => quietly(() => sdk._streamingConnection);
  const token = () => quietly(() => sdk._config.accessToken);
  // The flag alone is not enough: it can outlive the stream.
  const active = () => !('activeStanzaInstance' in stream()) || !!stream().activeStanzaInstance;
  const connected = () => quietly(() => sdk.connected && active()) === true;
  const knownInside = () => {
    const major = Number.parseInt(quietly(() => sdk.VERSION) ?? '', 10);
    const inner = stream();
    return major >= 9 && major <= 14 && typeof inner?.makeConnectionAttempt === 'function' && typeof inner.connect === 'function'
      && typeof inner.hardReconnectRequired === 'boolean';
  };

  // A session is a call unless it is the line that a persistent connection keeps open between calls. What cannot be told is
  // taken for a call.
  function call() {
    if (!quietly(() => sdk.sessionManager)) return false;
    try {
      const manager = sdk.sessionManager;
      const now = Date.now();
      // What was answered stays on the SDK's list of what rings, unless the platform says that it was answered.
      const rings = (manager.pendingSessions ?? []).map((ring) => ring.conversationId).filter((id) => !seen.answered.has(id));
      for (const id of [...seen.rings.keys()]) if (!rings.includes(id)) seen.rings.delete(id);
      for (const id of rings) if (!seen.rings.has(id)) seen.rings.set(id, now);
      if ([...seen.rings.values()].some((since) => now - since < limits.ring_max_ms)) return true;
      return talks().length > 0 || sessions().some((session) => !idle(session));
    } catch {
      return true;
    }
  }
  const ended = (session) => ['failed', 'closed'].includes(session.peerConnection?.connectionState);
  const sessions = () => sdk.sessionManager.getAllSessions().filter((session) => !ended(session));
  const idle = (session) => seen.over.has(session.conversationId)
    || (session.sessionType === 'softphone' && sdk.isPersistentConnectionEnabled?.() === true);
  const talks = () => {
    const gone = sdk.sessionManager.getAllSessions().filter(ended).map((session) => session.id);
    const all = sdk.sessionManager.getAllActiveConversations?.() ?? [];
    return all.filter((talk) => !gone.includes(talk.sessionId) && !seen.over.has(talk.conversationId));
  };

  async function api(path) {
    const environment = quietly(() => sdk._config.environment);
    const bearer = token();
    if (!environment || !bearer) return null;
    const base = environment.startsWith('http') ? environment : `https://api.${environment}`;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), limits.probe_timeout_ms);
    const headers = { authorization: `Bearer ${bearer}` };
    const options = { headers, signal: stop.signal, cache: 'no-store', credentials: 'omit' };
    return fetch(`${base.replace(/\/$/, '')}/api/v2${path}`, options)
      .catch(() => null) // no answer says nothing about the token
      .finally(() => clearTimeout(timer));
  }
  // One call with the SDK's own token: the only thing that shows a revoked one while the socket is up. `asked`: in any case;
  // `due`: unless it was asked a moment ago; otherwise only if nothing good is known of this very token.
  async function probe(how) {
    const young = Date.now() - seen.httpAt < limits.probe_min_ms;
    const known = seen.httpOf === token() && (young || (how !== 'due' && seen.http === 200));
    if (how !== 'asked' && known) return seen.http;
    seen.asking ??= (async () => {
      const asked = token();
      const status = (await api('/users/me'))?.status ?? null;
      seen.asking = null;
      if (asked !== token()) return probe('asked');
      Object.assign(seen, { http: status, httpAt: Date.now(), httpOf: asked });
      return status;
    })();
    return seen.asking;
  }
  // With a dead socket the SDK never hears that a call on a persistent connection is over; the platform knows.
  async function askWhetherOver() {
    const known = quietly(() => [...talks(), ...sessions()].map((one) => one.conversationId)) ?? [];
    for (const conversationId of new Set(known)) {
      const answer = await api(`/conversations/calls/${encodeURIComponent(conversationId)}`);
      const told = answer?.status === 200 ? await answer.json().catch(() => null) : null;
      const mine = told?.participants?.filter((p) => p.userId === agent() || p.user?.id === agent());
      const on = mine?.some((p) => p.calls?.some((c) => !['disconnected', 'terminated'].includes(c.state)));
      if (answer?.status === 404 || on === false) remember(seen.over, conversationId);
    }
  }

  const agent = () => quietly(() => sdk._personDetails.id);
  async function microphone() {
    const state = quietly(() => sdk.media.getState());
    if (!state) return null;
    if (state.hasMicPermissions || state.micPermissionsRequested) return state.hasMic && state.hasMicPermissions;
    // The SDK has not asked yet, but the browser may have granted it before.
    const asked = await Promise.resolve(quietly(() => navigator.permissions.query({ name: 'microphone' }))).catch(() => null);
    return { granted: state.hasMic, denied: false }[asked?.state] ?? null;
  }
  function state() {
    if (connected()) return 'up';
    const down = Date.now() - (seen.downSince ?? Date.now());
    const refused = seen.http === 401 && down >= limits.patience_ms;
    return seen.gaveUp || refused || down >= limits.quiet_ms ? 'given_up' : 'retrying';
  }
  // What SOFTPHONE says to look at. Null is "not known", and what is not known is not ready.
  async function look(how) {
    const http = await probe(how);
    const station = quietly(() => sdk.station);
    const ice = quietly(() => stream()._webrtcSessions.iceServers);
    const report = {
      connected: connected(),
      station: quietly(() => sdk.isInitialized) ? station?.type === 'inin_webrtc_softphone' : null,
      ice: Array.isArray(ice) ? ice.length > 0 : null,
      microphone: await microphone(),
      http,
      call: call(),
      state: state(),
    };
    // For a moment of its initialisation the SDK has a station and takes no calls yet, and for one after a reconnection it has
    // not subscribed again to what tells it of them. And what we are about to disconnect is not ready either.
    const able = quietly(() => sdk._config.allowedSessionTypes.includes('softphone')) !== false;
    const taking = able && !seen.moving && Date.now() - seen.upSince >= limits.subscribe_ms;
    const ready = report.connected && report.station && report.ice && report.microphone && http === 200 && taking;
    return { ...report, ready: ready === true };
  }

  function setToken(fresh) {
    if (!fresh || fresh === token()) return;
    sdk.setAccessToken(fresh);
  }
  // Waits until a client that is still trying has connected or given up. Of one that we did not see going down nothing can be
  // awaited, unless the SDK cannot be made to leave it alone.
  async function settle() {
    const until = seen.heardDown || !knownInside() ? seen.downSince + limits.patience_ms : 0;
    while (!connected() && !seen.gaveUp && Date.now() < until) await sleep(50);
    return connected();
  }
  // Makes sure that an old client opens no socket any more. `disconnect()` of 9.2 does nothing while there is no socket, so
  // the next attempt is made to fail for good, and one that is under way is closed as soon as it gets through.
  function retire(old) {
    if (!old || !knownInside()) return;
    const final = { name: 'AxiosError', response: { status: 401 }, config: {}, [REPLACED]: true };
    old.autoReconnect = false;
    old.makeConnectionAttempt = () => Promise.reject(Object.assign(new Error(REPLACED.description), final));
    old.on('connected', () => quietly(() => old.disconnect()?.catch?.(() => {})));
  }
  // `disconnect()` and `initialize()` on the same instance: what a reload does for the softphone, without the reload.
  async function redial() {
    seen.redialledAt = Date.now();
    seen.moving = true;
    const types = quietly(() => [...sdk._config.allowedSessionTypes]);
    try {
      // There is no call; a line that is kept between calls would otherwise live on unknown to the SDK.
      for (const line of quietly(() => sessions()) ?? []) {
        await within(soon(() => sdk.forceTerminateSession(line.id)), limits.end_line_ms, 'ending the idle line').catch(() => {});
      }
      const wasUp = connected();
      if (!wasUp) retire(stream());
      // What is cancelled is cancelled at once; the rest may wait 5 s for a goodbye over a socket that is no more.
      await within(soon(() => sdk.disconnect()), wasUp ? limits.disconnect_ms : limits.cancel_ms, 'disconnecting').catch(() => {});
      if (seen.dialling) await within(seen.dialling, limits.end_line_ms, 'the attempt before').catch(() => {});
      const dialling = sdk.initialize();
      seen.dialling = dialling;
      // One that fails half-way has forgotten for what sessions the SDK is there.
      dialling.catch(() => quietly(() => (sdk._config.allowedSessionTypes = types)));
      dialling.catch(() => {}).then(() => (seen.dialling = seen.dialling === dialling ? null : seen.dialling));
      await within(dialling, limits.dial_ms, 'connecting');
    } finally {
      seen.moving = false;
      note();
    }
  }
  // A new channel for the same client, which keeps the sessions that it knows: for a healthy one, and for one that has given up
  // for certain. `hardReconnectRequired` turns automatic reconnecting on again, which `disconnect()` has turned off: without it
  // the next cut would be fatal in 9.2. `connecting` is what a client that gave up has left standing.
  const canRewire = () => knownInside() && (connected() || (seen.gaveUp && !seen.dialling));
  async function rewire() {
    const inner = stream();
    seen.moving = true;
    try {
      if (connected()) await within(inner.disconnect(), limits.disconnect_ms, 'disconnecting');
      Object.assign(inner, { connecting: false, hardReconnectRequired: true });
      await within(inner.connect({ keepTryingOnFailure: true }), limits.dial_ms, 'connecting');
      seen.redialledAt = Date.now();
    } catch (error) {
      seen.gaveUp = !connected();
      throw error;
    } finally {
      seen.moving = false;
      note();
    }
  }
  const hasLine = () => quietly(() => sessions().length > 0) === true;

  // Brings what we remember in line with what the SDK says.
  function note(due) {
    if (connected()) {
      Object.assign(seen, { downSince: null, heardDown: false, gaveUp: false });
    } else if (seen.downSince === null) {
      Object.assign(seen, { downSince: Date.now(), heardDown: true });
    }
    changed(due === true);
  }
  function onConnected(info) {
    if (info?.reconnect) {
      seen.upSince = Date.now();
      setTimeout(() => quietly(changed), limits.subscribe_ms + 10);
    }
    note(true);
  }
  function onDisconnected(_words, data) {
    if (seen.downSince === null) seen.heardDown = true;
    // From streaming-client 19.6 on the SDK says that it gave up. What we have replaced says so as well.
    if (data?.reconnecting === false && data.error && !seen.moving && !connected()) seen.gaveUp = true;
    note(true);
  }
  // 9.2 to 19.5 give up without a word but this.
  function onRejection(event) {
    const reason = event.reason;
    if (reason?.[REPLACED] || reason?.details?.[REPLACED]) return event.preventDefault();
    const refused = [401, 403].includes(reason?.response?.status) && /notifications\/channels|users\/me/.test(reason.config?.url ?? '');
    if (connected() || !(refused || reason?.type === 'invalid_token' || /^not-authorized$|^temporary-auth/.test(reason?.condition))) return;
    seen.gaveUp = true;
    note();
  }
  function onSession(session) {
    remember(seen.answered, session?.conversationId);
    note();
  }
  function onError(error) {
    const status = error?.details?.response?.status ?? error?.details?.status;
    if (error?.type === 'http' && status === 401 && !seen.asking) {
      Object.assign(seen, { http: 401, httpAt: Date.now(), httpOf: token() });
    }
    note(true);
  }
  const onOther = () => note(true);
  const onCall = () => note();
  const heard = [
    ...[['connected', onConnected], ['disconnected', onDisconnected], ['sdkError', onError]],
    ...['ready', 'station'].map((name) => [name, onOther]),
    ...['sessionStarted', 'sessionEnded'].map((name) => [name, onSession]),
    ...['pendingSession', 'handledPendingSession', 'cancelPendingSession', 'conversationUpdate'].map((name) => [name, onCall]),
  ].map((row) => [sdk, ...row]);
  if (quietly(() => sdk.media.on)) heard.push([sdk.media, 'state', onCall]);
  for (const [emitter, name, hear] of heard) emitter.on(name, hear);
  globalThis.addEventListener?.('unhandledrejection', onRejection);
  note();

  return {
    agent, token, connected, call, look, setToken, settle, redial, canRewire, rewire, hasLine, askWhetherOver, probe, seen,
    version: () => quietly(() => String(sdk.VERSION)),
    leave() {
      for (const [emitter, name, hear] of heard) quietly(() => emitter.removeListener(name, hear));
      globalThis.removeEventListener?.('unhandledrejection', onRejection);
    },
  };
}

// ------------------------------------------------------------------------------------------------------- the banner

const STYLE = `:host { all: initial; position: fixed; right: 16px; bottom: 16px; z-index: 2147483000; }
div { display: flex; gap: 12px; align-items: center; max-width: 420px; padding: 12px 14px; border-radius: 8px;
  background: #1d2733; color: #fff; font: 14px/1.4 system-ui, sans-serif; box-shadow: 0 4px 18px rgba(0, 0, 0, .3); }
button { flex: none; padding: 6px 10px; border: 1px solid #fff; border-radius: 6px; background: #fff; color: #1d2733;
  font: inherit; cursor: pointer; } button:focus-visible { outline: 3px solid #7cc4ff; outline-offset: 2px; }`;

// One discreet line of words with one button, in a shadow root so that neither page nor banner styles the other.
function bannerOf() {
  let host = null;
  const hide = () => {
    host?.remove();
    host = null;
    document.removeEventListener('keydown', onKey);
  };
  const onKey = (event) => event.key === 'Escape' && hide();
  return {
    hide,
    show(words, button, act) {
      hide();
      host = document.createElement('softlanding-banner');
      const root = host.attachShadow({ mode: 'open' });
      // Not a <style> element: a page's content security policy may forbid those.
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      const box = document.createElement('div');
      const said = document.createElement('span');
      const pressed = document.createElement('button');
      pressed.type = 'button';
      pressed.textContent = button;
      pressed.addEventListener('click', () => quietly(() => act()));
      box.append(said, pressed);
      root.append(box);
      document.body.append(host);
      document.addEventListener('keydown', onKey);
      // A screen reader speaks what changes in a status, not what was there from the beginning.
      said.setAttribute('role', 'status');
      said.textContent = words;
    },
  };
}

// --------------------------------------------------------------------------------------------------------- the line

// One WebSocket to softlanding, opened again for as long as the page lives. `hello()` gives what to introduce ourselves with,
// or null when there is nothing; `hear` gets every frame after the welcome.
function lineOf(address, limits, { hello, hear, mistaken, welcomed, refused, lost }) {
  let socket = null;
  let timer = null; // one of: the next call, the welcome, the next beat
  let due = 0;
  let failures = 0;
  let left = false;
  const wait = (ms, then) => {
    clearTimeout(timer);
    due = Date.now() + ms;
    timer = setTimeout(() => quietly(then), ms);
  };
  // Full jitter, so that the pages do not all come back in the same moment.
  function callAgain(atMost) {
    if (left) return;
    const cap = atMost ?? Math.min(limits.backoff_max_ms, limits.backoff_first_ms * 2 ** failures);
    failures = Math.min(failures + 1, 16);
    wait(Math.random() * cap, open);
  }
  function drop() {
    const old = socket;
    socket = null;
    clearTimeout(timer);
    if (old) quietly(() => old.close());
  }
  function open() {
    if (left) return;
    drop();
    const first = hello();
    if (!first) return refused({ why: 'nothing to introduce itself with' }, null);
    const own = quietly(() => new WebSocket(address, 'softlanding.companion.v1'));
    if (!own) return callAgain(); // a policy of the page may forbid it
    const opened = Date.now();
    let beat_ms = limits.welcome_ms;
    let after = callAgain;
    const listen = () => wait(beat_ms, () => (own.close(), over()));
    const over = () => {
      if (socket !== own) return;
      drop();
      if (Date.now() - opened >= limits.steady_ms) failures = 0;
      if (after === callAgain) lost();
      after();
    };
    socket = own;
    listen();
    own.onopen = () => own.send(JSON.stringify(first));
    own.onclose = over;
    own.onerror = over;
    own.onmessage = ({ data }) => {
      const frame = quietly(() => JSON.parse(data));
      if (socket !== own || !frame) return;
      if (frame.type === 'welcome' && !mistaken(frame)) {
        beat_ms = 2.5 * Math.min(Math.max(Number(frame.heartbeat_ms) || 30_000, 1_000), 300_000);
        own.welcomed = true;
        welcomed(frame);
      } else if (frame.type === 'refused' || frame.type === 'welcome') {
        const again = refused(frame, first);
        after = () => again && callAgain(again.atMost);
        return over();
      } else if (own.welcomed) {
        quietly(() => hear(frame));
      }
      listen();
    };
  }
  // The network is back, or somebody looks at the page: no reason to wait much longer.
  const hurry = () => {
    if (!left && !socket && due - Date.now() > limits.backoff_first_ms) callAgain(limits.backoff_first_ms);
  };
  const seen = () => globalThis.document?.visibilityState === 'visible' && hurry();
  globalThis.addEventListener?.('online', hurry);
  globalThis.document?.addEventListener('visibilitychange', seen);
  return {
    open,
    later: (ms) => wait(ms, open),
    // Whether it went out; nothing is kept for later here.
    say: (frame) => socket?.welcomed === true && socket.readyState === 1 && (socket.send(JSON.stringify(frame)), true),
    leave() {
      left = true;
      drop();
      globalThis.removeEventListener?.('online', hurry);
      globalThis.document?.removeEventListener('visibilitychange', seen);
    },
  };
}

// ------------------------------------------------------------------------------------------------------ the companion

const attached = new WeakMap();

/** See v1.d.ts. Attaching again to the same SDK instance replaces the companion that was there. */
export function attach(sdk, options) {
  const limits = { ...LIMITS, ...options.limits };
  const server = new URL(options.server);
  const base = server.href.replace(/\/$/, '');
  const place = `softlanding.key.${server.origin}`;
  const page = quietly(() => crypto.randomUUID()) ?? `${Date.now()}-${Math.random()}`;
  const banner = typeof options.banner === 'object' && options.banner ? options.banner : bannerOf();
  const mayShow = options.banner !== false;
  let state = 'connecting';
  let welcome = null; // whose page softlanding takes this for
  let refusedToken = null;
  let refusedKey = null;
  let enrolAt = null;
  let asked = false;
  let reporting = null;
  let dueReport = false;
  let lastReport = '';
  let started = false;
  let detached = false;

  attached.get(sdk)?.detach();
  const turn = (to) => {
    if (state === to) return;
    state = to;
    quietly(() => options.onState?.(to));
  };

  // ---- the page key: kept with whose it is, since several agents may use one browser
  const stored = () => quietly(() => JSON.parse(localStorage.getItem(place)));
  const keep = (agent, key) => quietly(() => localStorage.setItem(place, JSON.stringify({ agent, key })));
  function pageKey() {
    const mine = phone.agent();
    if (!mine) return null; // a key of somebody else would bring somebody else's token here
    const found = stored();
    const key = found?.agent === mine ? found.key : options.key;
    return typeof key === 'string' && key !== refusedKey ? key : null;
  }

  // ---- reports
  async function report(how) {
    const told = await phone.look(how);
    const text = JSON.stringify(told);
    if (how !== 'asked' && text === lastReport) return;
    if (line.say({ type: 'report', ...told })) lastReport = text;
  }
  // Several events of the SDK come together; one report tells them all.
  function changed(due) {
    if (detached || !line) return;
    dueReport ||= due === true;
    const mine = phone.agent();
    if (welcome && mine && welcome !== mine) return start(); // somebody else has logged in
    if (mine && !started) start();
    if (phone.call()) quietly(() => banner.hide());
    else if (deferred.length) quietly(afterCall);
    reporting ??= setTimeout(() => {
      const how = dueReport ? 'due' : undefined;
      reporting = null;
      dueReport = false;
      if (welcome) report(how).catch(() => {});
    }, 50);
  }

  // ---- commands: one at a time, each once
  const answers = new Map(); // id -> the last answer, or null while it is under way
  let unsaid = [];
  let deferred = [];
  let queue = Promise.resolve();
  let waiting = 0;
  function answer(id, result, reason) {
    const frame = { type: 'done', id, result, ...(reason ? { why: reason } : {}) };
    answers.set(id, frame);
    for (const old of answers.keys()) if (answers.size > limits.remembered_max) answers.delete(old);
    if (!line.say(frame)) unsaid = [...unsaid.filter((f) => f.id !== id), frame].slice(-limits.waiting_max);
  }
  function enqueue(id, kind, act) {
    if (waiting + deferred.length >= limits.waiting_max) return answer(id, 'failed', 'too many commands are waiting');
    const received = Date.now();
    const job = { id, kind, act, received };
    waiting += 1;
    queue = queue.then(() => perform(job)).catch(() => {}).finally(() => (waiting -= 1));
  }
  async function perform(job) {
    if (detached) return;
    const outcome = await Promise.resolve(job).then(job.act).then(
      (later) => (later ? ['deferred', later] : ['done']),
      (error) => ['failed', why(error)],
    );
    // The report goes first, so that whoever hears the answer can already read what it led to.
    if (job.kind !== 'notify') await within(report('asked'), limits.report_ms, 'the report').catch(() => {});
    if (outcome[0] !== 'deferred') return answer(job.id, ...outcome);
    if (!job.put_off) answer(job.id, ...outcome);
    deferred.push({ ...job, put_off: true });
    watchCall();
  }
  // What was put off until the end of the call.
  let watching = null;
  let askedOver = 0;
  function watchCall() {
    watching ??= setInterval(() => {
      if (Date.now() - askedOver > limits.ask_over_ms && !phone.connected()) {
        askedOver = Date.now();
        phone.askWhetherOver().catch(() => {});
      }
      afterCall();
    }, limits.look_ms);
  }
  async function afterCall() {
    if (phone.call()) return;
    await sleep(limits.after_call_ms);
    if (phone.call() || !deferred.length) return;
    clearInterval(watching);
    watching = null;
    const jobs = deferred;
    deferred = [];
    for (const job of jobs) {
      waiting += 1;
      queue = queue.then(() => perform(job)).catch(() => {}).finally(() => (waiting -= 1));
    }
  }
  const ON_CALL = 'on a call';
  // A new connection with a token that is refused, or while nothing answers, would make things worse.
  async function mayDial() {
    const status = await phone.probe('asked');
    if (status === 200) return;
    throw new Error(status === null ? 'the platform does not answer' : `the token is refused (${status})`);
  }
  // Each comes back with nothing when it is done, and with a reason when it has to wait for the end of a call.
  async function revive(job) {
    job.down ??= !phone.connected();
    // Another command did it, or it healed.
    if (phone.connected() && !job.line && (phone.seen.redialledAt > job.received || job.down)) return;
    if (phone.call() && (phone.connected() || job.kind === 'revive')) return ON_CALL;
    if (!job.put_off) await sleep(Math.random() * limits.revive_jitter_ms);
    if (!phone.connected()) {
      const healed = await phone.settle();
      if (healed && (job.kind === 'token' || (await phone.probe('asked')) === 200)) return;
    }
    await mayDial();
    if (phone.call()) return ON_CALL;
    // A line that is kept between calls can be ended only while the platform hears of it; else it would go on counting on it.
    if (!phone.connected() && phone.hasLine() && phone.canRewire()) {
      job.line = true;
      await phone.rewire().catch(() => {});
    }
    if (phone.call()) return ON_CALL;
    await phone.redial();
  }
  async function handOver(job) {
    if (!phone.connected() || job.line) return revive(job);
    if ((await phone.probe('asked')) === 401) throw new Error('the new token is refused as well');
  }
  async function renew(job) {
    if (!phone.connected() || job.line) return revive(job); // it died while it waited
    if (phone.seen.redialledAt > job.received && phone.connected()) return;
    if (phone.call()) return ON_CALL;
    await sleep(Math.random() * limits.renew_jitter_ms);
    await mayDial();
    if (phone.call()) return ON_CALL;
    try {
      if (phone.canRewire()) return await phone.rewire();
    } catch {
      await mayDial();
      if (phone.call()) return ON_CALL;
    }
    await phone.redial();
  }
  function notify(job) {
    if (!mayShow) throw new Error('this page shows no banner');
    if (phone.call()) return ON_CALL;
    banner.show(job.words, 'Reload softphone', () => location.reload());
  }
  function command(frame) {
    const { id, token } = frame;
    if (typeof id !== 'string') return;
    if (answers.has(id)) return answers.get(id) && line.say(answers.get(id));
    answers.set(id, null);
    // The token is taken at once, whatever waits: it is harmless to a call, and may come just before the cut.
    try {
      if (typeof token === 'string') phone.setToken(token);
    } catch (error) {
      return answer(id, 'failed', why(error));
    }
    const words = String(frame.words ?? '').slice(0, limits.words_max);
    const acts = { token: handOver, revive, renew, notify: (job) => notify({ ...job, words }), report: async () => {} };
    if (!Object.hasOwn(acts, frame.do)) return answer(id, 'failed', 'unknown command');
    enqueue(id, frame.do, acts[frame.do]);
  }

  // ---- signing in
  const enrolUrl = () => {
    const url = new URL(enrolAt ?? `${base}/enrol`);
    if (!url.searchParams.has('return')) url.searchParams.set('return', location.origin);
    return url;
  };
  function askToSignIn() {
    turn('sign_in_needed');
    if (!mayShow || asked || phone.call()) return; // once in the life of a page: it may be dismissed
    asked = true;
    const popup = () => window.open(enrolUrl(), 'softlanding-enrol', 'popup,width=520,height=680');
    quietly(() => banner.show('Sign in once, so that your softphone can be kept ready.', 'Sign in', popup));
  }
  function onMessage(event) {
    const { softlanding, agent, key } = event.data ?? {};
    if (event.origin !== server.origin || softlanding !== 'enrolled' || typeof key !== 'string') return;
    const mine = phone.agent() ?? welcome;
    if (mine && mine !== agent) return; // signed in as somebody else than whose softphone this is
    keep(agent, key);
    quietly(() => banner.hide());
    refusedKey = refusedToken = null;
    start();
  }

  // ---- the line
  function hello() {
    const key = pageKey();
    const token = phone.token();
    const proof = key ? { key } : token && token !== refusedToken ? { token } : null;
    return proof && { type: 'hello', page, ...proof, ...(phone.version() ? { sdk: phone.version() } : {}) };
  }
  const mistaken = (frame) => phone.agent() !== null && frame.agent !== phone.agent();
  function welcomed(frame) {
    welcome = frame.agent;
    if (typeof frame.key === 'string') keep(frame.agent, frame.key);
    takeEnrolAt(frame);
    if (enrolAt) {
      askToSignIn(); // it is known, and could be helped more
    } else {
      quietly(() => state === 'sign_in_needed' && banner.hide());
      turn('connected');
    }
    for (const frame of unsaid.splice(0)) line.say(frame);
    report('due').catch(() => {});
  }
  // What to do next: call again soon (with the token after a refused key), or wait for the agent.
  function takeEnrolAt({ enrol }) {
    enrolAt = typeof enrol === 'string' ? quietly(() => new URL(enrol, base).href) : null;
    if (enrolAt && new URL(enrolAt).origin !== server.origin) enrolAt = null;
  }
  function refused(frame, first) {
    takeEnrolAt(frame);
    if (first?.key) {
      refusedKey = first.key;
      quietly(() => localStorage.removeItem(place));
      return { atMost: limits.backoff_first_ms };
    }
    refusedToken = first?.token ?? refusedToken;
    askToSignIn();
    return null;
  }
  function lost() {
    welcome = null;
    lastReport = '';
    if (state === 'connected' || state === 'connecting') turn('away');
  }
  function start() {
    started = true;
    welcome = null;
    line.open();
  }
  // A fresh token, or an agent who is known at last, is worth another try.
  const patrol = setInterval(() => {
    if (state === 'sign_in_needed' && !welcome && hello()) start();
    changed();
  }, limits.patrol_ms);
  const probing = limits.probe_every_ms
    ? setInterval(() => welcome && report('due').catch(() => {}), limits.probe_every_ms * (0.9 + Math.random() * 0.2))
    : null;

  let line = null;
  const phone = phoneOf(sdk, limits, changed);
  line = lineOf(`${base.replace(/^http/, 'ws')}/companion/v1/socket`, limits, { hello, hear, mistaken, welcomed, refused, lost });
  function hear(frame) {
    if (frame.type === 'command') command(frame);
  }
  globalThis.addEventListener?.('message', onMessage);
  if (phone.agent()) start();
  else line.later(limits.known_ms);

  const handle = {
    get state() {
      return state;
    },
    detach() {
      if (detached) return;
      detached = true;
      for (const timer of [patrol, probing, watching, reporting]) clearTimeout(timer);
      line.leave();
      phone.leave();
      quietly(() => banner.hide());
      globalThis.removeEventListener?.('message', onMessage);
      attached.delete(sdk);
      turn('detached');
    },
  };
  attached.set(sdk, handle);
  return handle;
}
