// The companion beside a scripted SDK, row by row of what the real one was observed to do. Run by tests/softphone.rs.
//
// To repeat: node --test tests/softphone/companion.test.mjs

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { attach } from '../../src/shells/web/companion/v1.js';
import { FakeSdk, PAUSE_MS, Platform, sleep } from './fake_sdk.mjs';
import { FakeServer } from './fake_server.mjs';

const VERSIONS = ['9.2.4', '14.0.0'];
// The companion's bounds, a twentieth as long, like the SDK's pauses.
const LIMITS = {
  backoff_first_ms: 20, backoff_max_ms: 60, steady_ms: 50, known_ms: 50, subscribe_ms: 20, patrol_ms: 60_000, patience_ms: 400, quiet_ms: 5_500, probe_min_ms: 60_000,
  probe_every_ms: 0, after_call_ms: 10, look_ms: 10, ask_over_ms: 30, revive_jitter_ms: 5, renew_jitter_ms: 5,
};
const TOKEN_OF = /^(.+?)-token/;

let platform, server, said, storage, companions;

beforeEach(() => {
  platform = new Platform();
  server = new FakeServer(({ key, token }) => (key?.startsWith('key-of-') ? key.slice(7) : platform.good.has(token) ? TOKEN_OF.exec(token)[1] : null));
  said = [];
  storage = new Map();
  companions = [];
  const listeners = new Map();
  globalThis.page = {
    reject(reason) {
      const event = { reason, prevented: false, preventDefault: () => (event.prevented = true) };
      for (const hear of listeners.get('unhandledrejection') ?? []) hear(event);
      if (!event.prevented) said.push(`unhandled: ${reason.message}`);
    },
    post: (event) => (listeners.get('message') ?? []).forEach((hear) => hear(event)),
    listeners,
  };
  globalThis.addEventListener = (name, hear) => listeners.set(name, [...(listeners.get(name) ?? []), hear]);
  globalThis.removeEventListener = (name, hear) => listeners.set(name, (listeners.get(name) ?? []).filter((h) => h !== hear));
  globalThis.WebSocket = server.WebSocket;
  globalThis.fetch = platform.fetch;
  globalThis.localStorage = {
    getItem: (k) => storage.get(k) ?? null, setItem: (k, v) => storage.set(k, v), removeItem: (k) => storage.delete(k),
  };
  for (const level of ['log', 'info', 'warn', 'error', 'debug']) console[level] = (...words) => said.push(JSON.stringify(words));
});

afterEach(() => {
  for (const companion of companions) companion.detach();
  assert.equal(said.some((words) => /token/.test(words) && !/invalid token/.test(words)), false, `a token was logged: ${said.join('\n')}`);
  assert.equal([...storage.values()].some((v) => /-token/.test(v)), false, 'a token was stored');
});

async function until(what, holds) {
  for (let tries = 0; tries < 1_000; tries += 1) {
    if (await holds()) return;
    await sleep(5);
  }
  assert.fail(`never: ${what}; hellos ${JSON.stringify(server.hellos)}; heard ${JSON.stringify(server.heard)}`);
}

/** A registered softphone with a companion that softlanding knows. */
async function desk(version, more = {}) {
  platform.good.add('agent-1-token-a');
  const sdk = new FakeSdk(platform, 'agent-1-token-a', { version, ...more });
  await sdk.initialize();
  const companion = join(sdk);
  await until('a first report', () => server.report());
  return { sdk, companion };
}
function join(sdk, more = {}) {
  const companion = attach(sdk, { server: 'http://softlanding.test', banner: false, limits: LIMITS, ...more });
  companions.push(companion);
  return companion;
}
/** The publish as the users tell it. */
async function revokeAndCut(sdk) {
  platform.revoke(sdk._config.accessToken);
  platform.cut();
}
async function untilDead(sdk) {
  await until('the client gives up', () => server.report()?.state === 'given_up' || gaveUp(sdk));
  await sleep(PAUSE_MS);
}
const gaveUp = (sdk) => sdk._streamingConnection.connecting && sdk.goneSince && Date.now() - sdk.goneSince > 8 * PAUSE_MS;
const answered = (id, result) => until(`${id} ${result}`, () => server.done(id).some((f) => f.result === result));
const ready = () => until('ready', () => server.report()?.ready === true);

for (const version of VERSIONS) {
  const it = (name, body) => test(`${version}: ${name}`, body);

  it('a healthy softphone reports itself ready, with one call to the platform', async () => {
    const { sdk } = await desk(version);
    await ready();
    const expected = { connected: true, station: true, ice: true, microphone: true, http: 200, call: false, state: 'up', ready: true };
    const { type, ...told } = server.report();
    assert.deepEqual(told, expected);
    const before = platform.asked.length;
    for (let i = 0; i < 5; i += 1) sdk.emit('station', {});
    await sleep(100);
    assert.equal(platform.asked.length, before, 'events alone ask nothing of the platform');
    assert.deepEqual(server.hellos[0].token, 'agent-1-token-a');
    assert.deepEqual(JSON.parse(storage.get('softlanding.key.http://softlanding.test')), { agent: 'agent-1', key: 'key-of-agent-1' });
  });

  it('without softlanding a revoked and cut client stays dead, also with a good token', async () => {
    platform.good.add('agent-1-token-a');
    const sdk = new FakeSdk(platform, 'agent-1-token-a', { version });
    await sdk.initialize();
    await revokeAndCut(sdk);
    await sleep(8 * PAUSE_MS);
    platform.good.add('agent-1-token-b');
    sdk.setAccessToken('agent-1-token-b');
    await sleep(4 * PAUSE_MS);
    assert.equal(platform.sockets.size, 0, 'the fake is as dead as the real one');
  });

  it('a token handed over before the cut needs nothing else', async () => {
    const { sdk } = await desk(version);
    platform.good.add('agent-1-token-b');
    await answered(server.order('token', { token: 'agent-1-token-b' }), 'done');
    await revokeAndCut({ _config: { accessToken: 'agent-1-token-a' } });
    await until('back', () => platform.sockets.size === 1);
    await ready();
    assert.equal(sdk.initialised, 1, 'the SDK came back by itself');
    assert.equal(platform.peak, 1);
  });

  it('a client that gave up is revived by the token, on the same instance', async () => {
    const { sdk } = await desk(version);
    await revokeAndCut(sdk);
    await until('given up', () => server.report().state === 'given_up');
    platform.good.add('agent-1-token-b');
    await answered(server.order('token', { token: 'agent-1-token-b' }), 'done');
    await ready();
    assert.equal(platform.peak, 1);
    assert.equal(sdk.initialised, 2);
  });

  it('a companion that comes late revives a client that gave up before', async () => {
    platform.good.add('agent-1-token-a');
    const sdk = new FakeSdk(platform, 'agent-1-token-a', { version });
    await sdk.initialize();
    await revokeAndCut(sdk);
    await sleep(8 * PAUSE_MS);
    storage.set('softlanding.key.http://softlanding.test', JSON.stringify({ agent: 'agent-1', key: 'key-of-agent-1' }));
    join(sdk);
    await until('a first report', () => server.report());
    assert.equal(server.report().ready, false);
    platform.good.add('agent-1-token-b');
    await answered(server.order('revive', { token: 'agent-1-token-b' }), 'done');
    await ready();
    assert.equal(platform.peak, 1);
  });

  it('revive while the client is still trying leaves one socket', async () => {
    const { sdk } = await desk(version);
    platform.refuse = 'handshake';
    platform.cut();
    await sleep(PAUSE_MS * 1.5);
    platform.refuse = null;
    await answered(server.order('revive'), 'done');
    await ready();
    await sleep(8 * PAUSE_MS);
    assert.deepEqual([platform.peak, platform.sockets.size], [1, 1]);
    assert.equal(sdk.initialised, 1, 'it healed by itself');
  });

  it('revive of one that will not stop trying replaces it, and the old one never comes back', async () => {
    const { sdk } = await desk(version);
    platform.refuse = 'handshake';
    platform.cut();
    // Its pauses grow; after patience_ms it is in the middle of a long one.
    await sleep(LIMITS.patience_ms + PAUSE_MS);
    platform.refuse = null;
    await answered(server.order('revive'), 'done');
    await ready();
    await sleep(16 * PAUSE_MS);
    assert.deepEqual([platform.peak, platform.sockets.size], [1, 1]);
    assert.ok(sdk.initialised <= 2);
  });

  it('revive of a companion that comes while the client is still trying leaves one socket', async () => {
    platform.good.add('agent-1-token-a');
    const sdk = new FakeSdk(platform, 'agent-1-token-a', { version });
    await sdk.initialize();
    platform.refuse = 'handshake';
    platform.cut();
    await sleep(PAUSE_MS * 1.5);
    platform.refuse = null;
    join(sdk);
    await until('a first report', () => server.report());
    await answered(server.order('revive'), 'done');
    await ready();
    await sleep(8 * PAUSE_MS);
    assert.equal(platform.sockets.size, 1);
  });

  it('revoked with the socket up: the report says 401, the token cures it', async () => {
    const { sdk } = await desk(version);
    platform.revoke('agent-1-token-a');
    await answered(server.order('report'), 'done');
    const told = server.report();
    assert.deepEqual([told.connected, told.http, told.ready, told.state], [true, 401, false, 'up']);
    platform.good.add('agent-1-token-b');
    await answered(server.order('token', { token: 'agent-1-token-b' }), 'done');
    await ready();
    assert.equal(sdk.initialised, 1);
  });

  it('an HTTP error of the SDK itself is heard', async () => {
    const { sdk } = await desk(version);
    await ready();
    sdk.emit('sdkError', { type: 'http', details: { response: { status: 401 } } });
    await until('401', () => server.report().http === 401);
  });

  it('renew gives a healthy client a new channel that survives the next cut', async () => {
    const { sdk } = await desk(version);
    const before = sdk._streamingConnection.channel;
    await answered(server.order('renew'), 'done');
    await ready();
    assert.notEqual(sdk._streamingConnection.channel, before);
    assert.equal(sdk.initialised, 1);
    platform.cut();
    await until('back by itself', () => platform.sockets.size === 1);
    assert.equal(platform.peak, 1);
  });

  it('renew of an SDK that looks different inside goes by the published interface', async () => {
    const { sdk } = await desk(version);
    sdk.VERSION = '99.0.0';
    await answered(server.order('renew'), 'done');
    assert.equal(sdk.initialised, 2);
    platform.cut();
    await until('back by itself', () => platform.sockets.size === 1);
    assert.equal(platform.peak, 1);
  });

  it('no connection is given up for a token that is refused, nor while nothing answers', async () => {
    const { sdk } = await desk(version);
    platform.revoke('agent-1-token-a');
    for (const what of ['renew', 'revive']) await answered(server.order(what), 'failed');
    assert.equal(platform.sockets.size, 1, 'the socket is still there');
    platform.away = true;
    for (const what of ['renew', 'revive']) await answered(server.order(what), 'failed');
    assert.equal(server.report().http, null, 'no answer is not an answer');
    assert.deepEqual([platform.sockets.size, sdk.initialised], [1, 1]);
  });

  it('on a call everything but the token waits until its end', async () => {
    const { sdk } = await desk(version);
    const session = sdk.talk();
    await until('on a call', () => server.report().call);
    platform.good.add('agent-1-token-b');
    await answered(server.order('token', { token: 'agent-1-token-b' }), 'done');
    const later = [server.order('revive'), server.order('renew'), server.order('revive')];
    for (const id of later) await answered(id, 'deferred');
    await sleep(100);
    assert.deepEqual(sdk.sessionManager.getAllSessions(), [session], 'the session is known all the time');
    assert.equal(sdk.initialised, 1);
    sdk.hangUp(session);
    for (const id of later) await answered(id, 'done');
    assert.deepEqual([sdk.initialised, platform.opened, platform.peak], [2, 2, 1], 'one new connection serves them all');
    await ready();
  });

  it('cut and given up on a call: audio and session stay, the cure comes after the call', async () => {
    const { sdk } = await desk(version);
    const session = sdk.talk();
    await revokeAndCut(sdk);
    await until('given up', () => server.report().state === 'given_up');
    platform.good.add('agent-1-token-b');
    const id = server.order('token', { token: 'agent-1-token-b' });
    await answered(id, 'deferred');
    assert.deepEqual(sdk.sessionManager.getAllSessions(), [session]);
    sdk.hangUp(session);
    await answered(id, 'done');
    await ready();
    assert.deepEqual([sdk.initialised, platform.peak], [2, 1]);
  });

  it('a ringing call is a call', async () => {
    const { sdk } = await desk(version);
    sdk.sessionManager.pendingSessions.push({ id: 'ring-1', conversationId: 'call-9' });
    sdk.emit('pendingSession', {});
    await answered(server.order('revive'), 'deferred');
    sdk.sessionManager.pendingSessions.length = 0;
    sdk.emit('cancelPendingSession', {});
    await until('revived', () => sdk.initialised === 2);
  });

  it('the idle line of a persistent connection is no call, and is not left behind', async () => {
    const { sdk } = await desk(version, { persistent: true });
    const session = sdk.talk();
    sdk.hangUp(session);
    await until('idle', () => server.report().call === false);
    await answered(server.order('revive'), 'done');
    assert.deepEqual(sdk.ended, [session.id]);
    await ready();
  });

  it('the end of a call that cannot be heard is asked for', async () => {
    const { sdk } = await desk(version, { persistent: true });
    sdk.talk('call-7');
    platform.calls.set('call-7', { participants: [{ userId: 'agent-1', calls: [{ state: 'connected' }] }] });
    const renewal = server.order('renew');
    await answered(renewal, 'deferred');
    await revokeAndCut(sdk);
    await until('given up', () => server.report().state === 'given_up');
    platform.good.add('agent-1-token-b');
    const id = server.order('token', { token: 'agent-1-token-b' });
    await answered(id, 'deferred');
    await until('asked', () => platform.asked.some(([, path]) => path.startsWith('/conversations/calls/call-7')));
    assert.equal(sdk.initialised, 1);
    platform.calls.set('call-7', { participants: [{ userId: 'agent-1', calls: [{ state: 'terminated' }] }] });
    await answered(id, 'done');
    await ready();
    await answered(renewal, 'done');
    assert.deepEqual([sdk.ended, platform.sockets.size, platform.peak], [['s-call-7'], 1, 1], 'the platform heard of the end of the line');
  });

  it('commands come one at a time, and one that comes twice is done once and answered twice', async () => {
    const { sdk } = await desk(version);
    server.order('revive', { id: 'same' });
    server.order('revive', { id: 'same' });
    await answered('same', 'done');
    await ready();
    server.order('revive', { id: 'same' });
    await until('answered again', () => server.done('same').length === 2);
    await sleep(50);
    assert.deepEqual([sdk.initialised, server.done('same').length], [2, 2]);
    const many = [server.order('revive'), server.order('renew'), server.order('revive')];
    for (const each of many) await answered(each, 'done');
    assert.equal(platform.peak, 1);
    await ready();
  });

  it('an initialisation that fails half-way leaves an SDK that can be revived', async () => {
    const { sdk } = await desk(version);
    platform.refuse = 'station';
    await answered(server.order('revive'), 'failed');
    assert.deepEqual(sdk._config.allowedSessionTypes, ['softphone']);
    platform.refuse = null;
    await answered(server.order('revive'), 'done');
    await ready();
    assert.equal(platform.sockets.size, 1);
  });
}

test('the server goes away: nothing changes, and the page comes back to it with its key', async () => {
  const { sdk, companion } = await desk('9.2.4');
  const states = [];
  server.away = true;
  server.hangUp();
  await until('away', () => companion.state === 'away');
  await sleep(200);
  assert.ok(server.dials > 2, 'it keeps trying');
  assert.deepEqual([platform.sockets.size, sdk.initialised], [1, 1]);
  server.away = false;
  await until('back', () => companion.state === 'connected');
  assert.equal(server.hellos.at(-1).key, 'key-of-agent-1');
  assert.equal(server.hellos.at(-1).token, undefined);
});

test('an answer that could not be said is said after the next welcome', async () => {
  const { sdk, companion } = await desk('9.2.4');
  platform.refuse = 'handshake';
  const id = server.order('revive');
  await until('it is at work', () => sdk.initialised === 2);
  server.away = true;
  server.hangUp();
  platform.refuse = null;
  await until('done', () => sdk.connected && !server.socket);
  await sleep(50);
  server.away = false;
  await until('back', () => companion.state === 'connected');
  await answered(id, 'done');
});

test('a refused key is forgotten and the token tried; a refused token asks for a sign-in', async () => {
  platform.good.add('agent-1-token-a');
  storage.set('softlanding.key.http://softlanding.test', JSON.stringify({ agent: 'agent-1', key: 'stale' }));
  const sdk = new FakeSdk(platform, 'agent-1-token-a');
  await sdk.initialize();
  platform.revoke('agent-1-token-a');
  const states = [];
  const companion = join(sdk, { onState: (state) => states.push(state) });
  await until('sign-in needed', () => companion.state === 'sign_in_needed');
  assert.deepEqual(server.hellos.map((h) => h.key ?? h.token), ['stale', 'agent-1-token-a']);
  assert.equal(storage.size, 0);
  const signIn = (origin, agent) => page.post({ origin, data: { softlanding: 'enrolled', agent, key: `key-of-${agent}` } });
  signIn('http://elsewhere.test', 'agent-1');
  signIn('http://softlanding.test', 'agent-2');
  await sleep(50);
  assert.equal(storage.size, 0, 'neither a stranger nor another agent');
  signIn('http://softlanding.test', 'agent-1');
  await until('connected', () => companion.state === 'connected');
  assert.deepEqual(states, ['sign_in_needed', 'connected']);
});

test('nobody is sent anywhere but to softlanding to sign in', async () => {
  server.enrol = 'http://elsewhere.test/enrol';
  const { companion } = await desk('9.2.4');
  assert.equal(companion.state, 'connected');
});

test('an agent who is known but has not signed in is asked to, once, and is served meanwhile', async () => {
  let shown = 0;
  server.enrol = 'http://softlanding.test/enrol';
  platform.good.add('agent-1-token-a');
  const sdk = new FakeSdk(platform, 'agent-1-token-a');
  await sdk.initialize();
  const companion = join(sdk, { banner: { show: () => (shown += 1), hide() {} } });
  await ready();
  assert.deepEqual([companion.state, shown], ['sign_in_needed', 1]);
  server.hangUp();
  await until('back', () => server.hellos.length === 2);
  await answered(server.order('report'), 'done');
  assert.equal(shown, 1);
  server.enrol = null;
  page.post({ origin: 'http://softlanding.test', data: { softlanding: 'enrolled', agent: 'agent-1', key: 'key-of-agent-1' } });
  await until('connected', () => companion.state === 'connected');
});

test('the key of another agent on the same computer is not used', async () => {
  platform.good.add('agent-2-token-a');
  storage.set('softlanding.key.http://softlanding.test', JSON.stringify({ agent: 'agent-1', key: 'key-of-agent-1' }));
  const sdk = new FakeSdk(platform, 'agent-2-token-a', { id: 'agent-2' });
  await sdk.initialize();
  join(sdk);
  await until('a hello', () => server.hellos.length);
  assert.equal(server.hellos[0].token, 'agent-2-token-a');
  await until('a report', () => server.report());
  assert.equal(JSON.parse([...storage.values()][0]).agent, 'agent-2');
});

test('while all is well the platform is hardly asked; what is not good is asked about again, and a token of the page itself too', async () => {
  platform.good.add('agent-1-token-a');
  const sdk = new FakeSdk(platform, 'agent-1-token-a');
  await sdk.initialize();
  join(sdk, { limits: { ...LIMITS, probe_min_ms: 100, patrol_ms: 10 } });
  await ready();
  const probes = () => platform.asked.filter(([, path]) => path === '/users/me').length;
  const before = probes();
  for (let i = 0; i < 20; i += 1) {
    sdk.emit('conversationUpdate', {});
    await sleep(20);
  }
  assert.equal(probes(), before, 'neither the clock nor calls are a reason to ask');
  platform.revoke('agent-1-token-a');
  sdk.emit('station', {});
  await until('401', () => server.report().http === 401);
  platform.good.add('agent-1-token-a');
  await ready();
  // The page has a way of its own to a new token.
  platform.revoke('agent-1-token-a');
  await sleep(150);
  sdk.emit('station', {});
  await until('401', () => server.report().http === 401);
  platform.good.add('agent-1-token-b');
  sdk.setAccessToken('agent-1-token-b');
  await ready();
});

test('a page whose policy forbids the socket is not disturbed', async () => {
  globalThis.WebSocket = class {
    constructor() {
      throw new Error('forbidden');
    }
  };
  platform.good.add('agent-1-token-a');
  const sdk = new FakeSdk(platform, 'agent-1-token-a');
  await sdk.initialize();
  const companion = join(sdk);
  await sleep(50);
  assert.equal(companion.state, 'connecting');
});

test('a client that will not stop trying, of an SDK that looks different inside, is replaced by the published interface', async () => {
  const { sdk } = await desk('99.0.0');
  platform.refuse = 'handshake';
  platform.cut();
  await sleep(LIMITS.patience_ms + PAUSE_MS);
  platform.refuse = null;
  await answered(server.order('revive'), 'done');
  await ready();
  await sleep(16 * PAUSE_MS);
  assert.deepEqual([platform.peak, platform.sockets.size, sdk.initialised], [1, 1, 2]);
});

test('between its station and its end an initialisation is not ready', async () => {
  const { sdk } = await desk('9.2.4');
  await ready();
  sdk._config.allowedSessionTypes = [];
  sdk.emit('station', {});
  await until('not ready', () => server.report().ready === false);
  sdk._config.allowedSessionTypes = ['softphone'];
  sdk.emit('ready');
  await ready();
});

test('a welcome for somebody else is not accepted', async () => {
  server.accepts = () => 'agent-9';
  platform.good.add('agent-1-token-a');
  const sdk = new FakeSdk(platform, 'agent-1-token-a');
  await sdk.initialize();
  const companion = join(sdk);
  await until('sign-in needed', () => companion.state === 'sign_in_needed');
  assert.equal(server.report(), undefined);
});

test('attached before initialize, it waits until the SDK knows whose page this is', async () => {
  platform.good.add('agent-1-token-a');
  const sdk = new FakeSdk(platform, 'agent-1-token-a');
  join(sdk);
  await sdk.initialize();
  await ready();
  assert.equal(server.hellos.length, 1);
});

test('what it does not understand is ignored', async () => {
  const { companion } = await desk('9.2.4');
  for (const odd of ['not json', '[]', 'null', '7', '{"type":"later"}', '{"type":"command"}', '{"type":"beat","more":1}']) server.tell(odd);
  const id = server.order('sing');
  await answered(id, 'failed');
  assert.equal(companion.state, 'connected');
});

test('an SDK whose insides throw is reported as not known, never as ready', async () => {
  const { sdk } = await desk('9.2.4');
  sdk.media.getState = () => {
    throw new Error('inside');
  };
  sdk._streamingConnection._webrtcSessions = null;
  sdk.sessionManager.getAllSessions = () => {
    throw new Error('inside');
  };
  await answered(server.order('report'), 'done');
  const told = server.report();
  assert.deepEqual([told.ice, told.microphone, told.call, told.ready], [null, null, true, false]);
  await answered(server.order('revive'), 'deferred');
});

test('detach leaves nothing behind', async () => {
  const { sdk, companion } = await desk('9.2.4');
  companion.detach();
  assert.equal(companion.state, 'detached');
  for (const name of sdk.eventNames()) assert.equal(sdk.listenerCount(name), 0, name);
  for (const [name, all] of page.listeners) assert.equal(all.length, 0, name);
  const before = server.dials;
  await sleep(150);
  assert.equal(server.dials, before);
});

test('attaching twice leaves one companion', async () => {
  const { sdk, companion } = await desk('9.2.4');
  const second = join(sdk);
  assert.equal(companion.state, 'detached');
  await until('connected', () => second.state === 'connected');
  assert.equal(server.sockets.filter((s) => s.readyState === 1).length, 1);
});
