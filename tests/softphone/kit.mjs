// What the proofs in a browser share: Chromium with a fake microphone, an agent's desk with the vendor's real SDK in it, the
// far end of a call, and the twin's levers.
//
// The environment says where things are; tests/softphone.rs sets it:
//   SOFTLANDING_TEST_NODE   the folder with the packages and the SDK's bundles
//   SOFTLANDING_TEST_OUT    where pictures of failures go
//   SOFTLANDING_TEST_SDK    9 (as published, with streaming-client 17) or 19 (on streaming-client 19)
//   SOFTLANDING_TEST_TWIN   http://127.0.0.1:PORT of the twin
//   SOFTLANDING_TEST_SERVE  http://127.0.0.1:PORT of softlanding itself, where a proof needs it
//   SOFTLANDING_TEST_DESK   the port on which the desk's pages are served
//
// Must never: reach anything but this machine.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const env = (name) => process.env[`SOFTLANDING_TEST_${name}`];
const PACKAGES = env('NODE');
const { chromium } = createRequire(join(PACKAGES, 'here.js'))('playwright-core');

export const TWIN = env('TWIN');
export const SERVE = env('SERVE');
export const SDK = env('SDK') ?? '9';
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Comes back with what `look` gives as soon as it is truthy; fails after some minutes, which is no measurement. */
export async function until(what, look, minutes = 1) {
  let last;
  for (let tries = 0; tries < 1_200 * minutes; tries += 1) {
    last = await look();
    if (last) return last;
    await sleep(50);
  }
  assert.fail(`never: ${what}`);
}

// ------------------------------------------------------------------------------------------------------------- the twin

async function asked(path, body) {
  const options = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(`${TWIN}/twin/${path}`, options);
  const text = await answer.text();
  assert.ok(answer.ok, `/twin/${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}
export const twin = {
  truth: () => asked('truth'),
  softphones: () => asked('softphones'),
  /** What is really so of one agent's softphone. */
  softphone: async (agent) => (await asked('softphones')).find((phone) => phone.agent === agent),
  login: (agent, more = {}) => asked('login', { agent, ...more }),
  revoke: (agent) => asked('revoke', { agent }),
  cut: (agent) => asked('cut', { agent }),
  silence: (agent) => asked('silence', { agent }),
  refuse: (agent, at, for_ms) => asked('refuse', { agent, at, for_ms }),
  ring: (agent) => asked('ring', { agent }),
  hangUp: (conversation) => asked('hangup', { conversation }),
};

// --------------------------------------------------------------------------------------------------------------- the hub

const answers = process.stdin[Symbol.asyncIterator] ? createInterface({ input: process.stdin })[Symbol.asyncIterator]() : null;
/** Asks the test that has started this script: a line out, a line in. */
async function ask(what) {
  process.stdout.write(`ask ${JSON.stringify(what)}\n`);
  const { value, done } = await answers.next();
  assert.ok(!done, 'nobody answers; start this through tests/softphone.rs');
  return JSON.parse(value);
}
/** softlanding's own hub of the pages, in the process of the test. */
export const hub = {
  /** What came of a command: `done`, `deferred`, `failed: …`, `no page` or `no answer`. */
  command: async (agent, errand, more = {}) => (await ask({ do: 'command', agent, errand, ...more })).told,
  /** The newest report of the agent's page, or null. */
  seen: async (agent) => ask({ do: 'seen', agent }),
};
/** `softlanding serve` as a process, where the test runs one. */
export const server = {
  enrol: () => ask({ do: 'enrol' }),
  start: () => ask({ do: 'start' }),
  kill: () => ask({ do: 'kill' }),
  /** What is in the journal of the one run. */
  records: () => ask({ do: 'records' }),
};
/** Done once the hub has a report that fits. */
export const reported = (agent, what, fits) => until(what, async () => {
  const seen = await hub.seen(agent);
  return seen && fits(seen) && seen;
});

// ------------------------------------------------------------------------------------------------------------ the pages

const here = new URL('.', import.meta.url);
const PAGES = {
  '/': ['text/html', () => '<!doctype html><title>desk</title><script src="/sdk.js"></script><script type="module" src="/desk.js"></script>'],
  '/far': ['text/html', () => '<!doctype html><title>far end</title><script type="module">import * as far from "/far.js"; globalThis.far = far;</script>'],
  '/sdk.js': ['text/javascript', () => readFileSync(join(PACKAGES, `sdk-${SDK}.js`))],
  '/desk.js': ['text/javascript', () => readFileSync(new URL('desk.js', here))],
  '/far.js': ['text/javascript', () => readFileSync(new URL('far.js', here))],
};
function serve() {
  const server = createServer((request, response) => {
    const [type, body] = PAGES[new URL(request.url, 'http://desk').pathname] ?? [];
    response.writeHead(body ? 200 : 404, { 'content-type': type ?? 'text/plain' });
    response.end(body?.());
  });
  return new Promise((resolve) => server.listen(Number(env('DESK') ?? 0), '127.0.0.1', () => resolve(server)));
}

const FLAGS = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required'];
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Runs in the page before everything else. Two softphone sockets at once would be two softphones. */
function countSockets() {
  const sockets = { now: 0, peak: 0, opened: 0 };
  globalThis.softphoneSockets = sockets;
  globalThis.WebSocket = class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      if (![protocols].flat().includes('xmpp')) return;
      this.addEventListener('open', () => {
        sockets.opened += 1;
        sockets.now += 1;
        sockets.peak = Math.max(sockets.peak, sockets.now);
        this.addEventListener('close', () => (sockets.now -= 1));
      });
    }
  };
}

/** Runs a proof: with a browser and pages of its own, which are gone afterwards, and a picture of every page if it fails. */
export async function prove(name, proof) {
  const profile = mkdtempSync(join(tmpdir(), 'softlanding-chromium-'));
  const server = await serve();
  const origin = `http://127.0.0.1:${server.address().port}`;
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: BROWSERS.find(existsSync), headless: true, chromiumSandbox: false, args: FLAGS, permissions: ['microphone'],
  });
  const room = { context, origin, said: [], secrets: new Set() };
  const hear = (page) => {
    page.on('console', (message) => room.said.push(message.text()));
    page.on('pageerror', (error) => room.said.push(`uncaught: ${error.message}`));
  };
  context.on('page', hear);
  await context.addInitScript(countSockets);
  try {
    await proof(room);
    for (const secret of room.secrets) {
      assert.equal(room.said.some((words) => words.includes(secret)), false, 'a token came to the console');
    }
    console.log(`proved: ${name} (SDK ${SDK})`);
  } catch (error) {
    const out = env('OUT') ?? tmpdir();
    mkdirSync(out, { recursive: true });
    for (const [i, page] of context.pages().entries()) {
      await page.screenshot({ path: join(out, `${name}-${SDK}-${i}.png`), timeout: 5_000 }).catch(() => {});
      console.error(`page ${i}:`, await page.evaluate(() => globalThis.desk?.story?.()).catch(() => null));
    }
    console.error('console, its last lines:', room.said.slice(-12).map((words) => words.slice(0, 160)));
    for (const { agent, registered, streams, log } of await twin.softphones().catch(() => [])) {
      console.error('twin:', agent, { registered, streams: streams.length }, log.slice(-15).map((l) => `${l.at % 1_000_000} ${l.what} ${l.told}`));
    }
    console.error(error);
    process.exitCode = 1;
  } finally {
    await context.close();
    process.stdin.unref?.();
    server.close();
    server.closeAllConnections();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** The first agent of the simulated organisation that is at work and not on a call. */
export async function someAgent() {
  const { agents } = await twin.truth();
  return agents[0].id;
}

/** A good access token of the agent, as a refresh grant would give it. */
export async function freshToken(room, agent) {
  const { access_token: token } = await twin.login(agent, { age_s: 0 });
  room.secrets.add(token);
  return token;
}

/** An agent's desk: a page with the real SDK, registered, with or without the companion. */
export async function desk(room, agent, { companion = true, ...more } = {}) {
  const { access_token: token } = await twin.login(agent);
  room.secrets.add(token);
  const page = await room.context.newPage();
  await page.goto(`${room.origin}/`);
  await page.waitForFunction(() => globalThis.desk !== undefined);
  await page.evaluate((options) => globalThis.desk.start(options), { token, twin: TWIN, server: companion ? SERVE : null, ...more });
  const ask = (what, ...words) => page.evaluate(([name, all]) => globalThis.desk[name](...all), [what, words]);
  return { page, agent, token, ask };
}

/** Rings the agent, attends the far end, answers at the desk, and comes back when sound has flowed both ways. */
export async function talk(room, at) {
  const { conversation, far } = await twin.ring(at.agent);
  const end = await room.context.newPage();
  await end.goto(`${room.origin}/far`);
  await end.waitForFunction(() => globalThis.far !== undefined);
  await end.evaluate(async (url) => (globalThis.end = await globalThis.far.answerAsFarEnd(url)), far);
  await until('it rings', () => at.ask('rings', conversation));
  await at.ask('answer', conversation);
  await sound(at, end);
  return { conversation, end };
}

/** Sound flows both ways from now on: more packets at both ends than there were. */
export async function sound(at, end) {
  const counted = async () => ({ near: await at.ask('packets'), far: await end.evaluate(() => globalThis.end.stats()) });
  const before = await counted();
  await until('sound both ways', async () => {
    const now = await counted();
    const more = (side, what) => now[side][what] > before[side][what] + 10;
    return ['near', 'far'].every((side) => more(side, 'packetsReceived') && more(side, 'packetsSent'));
  });
}

/** Ends a call from the far side and waits until the desk knows. */
export async function endCall(at, call) {
  await twin.hangUp(call.conversation);
  await call.end.close();
  await until('the call is over', async () => (await at.ask('sessions')) === 0);
}
