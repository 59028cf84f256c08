// What the walks through the dashboard share: Chromium, somebody who signs in, what is wrong with a page, pictures.
//
// The environment says where things are; tests/dashboard.rs sets it:
//   SOFTLANDING_TEST_NODE   the folder with the packages
//   SOFTLANDING_TEST_OUT    where pictures go
//   SOFTLANDING_TEST_SERVE  http://127.0.0.1:PORT of softlanding
//   SOFTLANDING_TEST_RUN    the run that the walk is about
//
// Must never: reach anything but this machine, or wait for time to pass instead of for what is to happen.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const env = (name) => process.env[`SOFTLANDING_TEST_${name}`];
const required = createRequire(join(env('NODE'), 'here.js'));
const { chromium } = required('playwright-core');
const AXE = readFileSync(required.resolve('axe-core/axe.min.js'), 'utf8');

export const SERVE = env('SERVE');
export const RUN = env('RUN');
const OUT = env('OUT');
/** After so long, in ms, what was to happen is taken not to. */
const PATIENCE_MS = 30_000;
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const SIZES = [[1280, 900], [400, 860]];

/** People of the twin: their names on its sign-in page. */
export const NORA = 'Nora Lindqvist';
export const TOM = 'Tom Brandt';
export const IRIS = 'Iris Chen';

const pathOf = (url) => (url ? new URL(url).pathname : '');

/** A walk: a browser that is gone afterwards, and a picture of every page if it fails. */
export async function walk(name, steps) {
  mkdirSync(OUT, { recursive: true });
  const browser = await chromium.launch({ executablePath: BROWSERS.find(existsSync), chromiumSandbox: false, args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'] });
  const complaints = [];
  const expected = new Set();
  const contexts = [];
  /** A person's browser: what its pages complain of is remembered. */
  const visitor = async (options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
    contexts.push(context);
    context.setDefaultTimeout(PATIENCE_MS);
    context.on('page', (page) => {
      const ours = () => page.url().startsWith(SERVE);
      // That a page which refuses has a status that says so is no complaint of its own.
      const itself = (message) => message.location().url === page.url();
      const wanted = (message) => itself(message) || expected.has(pathOf(message.location().url));
      page.on('console', (message) => ours() && !wanted(message) && ['error', 'warning'].includes(message.type()) && complaints.push(`${page.url()}: ${message.text()}`));
      page.on('pageerror', (error) => complaints.push(`${page.url()}: uncaught ${error.message}`));
      page.on('request', (request) => ours() && request.url().startsWith('http') && new URL(request.url()).hostname !== '127.0.0.1' && complaints.push(`asked for ${request.url()}`));
    });
    return context;
  };
  /** The server refuses what a walk asks for at this path, on purpose: the browser's own word about it is no complaint. */
  const refuses = (path) => expected.add(path);
  try {
    await steps({ visitor, refuses });
    assert.deepEqual(complaints, [], 'a page has complained');
    console.log(`walked: ${name}`);
  } catch (error) {
    for (const [at, page] of contexts.flatMap((context) => context.pages()).entries()) {
      await page.screenshot({ path: join(OUT, `failed-${name}-${at}.png`), timeout: 5_000 }).catch(() => {});
    }
    console.error('complaints:', complaints.slice(0, 20));
    console.error(error);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

/** Signs somebody in from a page, and is back on it. */
export async function signIn(page, who, path = '/') {
  await page.goto(`${SERVE}${path}`);
  await page.getByRole('link', { name: 'Sign in with Genesys Cloud' }).click();
  await page.getByRole('link', { name: who }).click();
  await drawn(page);
}

/** Done when the page has drawn itself from the API. */
export const drawn = (page) => page.locator('#main[data-drawn="yes"]').waitFor();

/** Goes to a page of the dashboard. */
export async function visit(page, path) {
  await page.goto(`${SERVE}${path}`);
  await drawn(page);
}

/** What axe-core holds against a page; the policy lets no script of ours into it, so that it goes in by the debugger. */
export async function accessible(page, where) {
  await page.evaluate(`${AXE}; undefined`);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} (${node.failureSummary?.replaceAll('\n', ' ').slice(0, 200)})`).join(' | ')}`);
  assert.deepEqual(told, [], `axe-core on ${where}`);
  assert.ok(passes.length > 10, `axe-core has looked at nothing on ${where}`);
}

/** A page in both sizes, light and dark: a picture of each, no violation on any, and nothing wider than the window. */
export async function inEveryLight(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      const where = `${name}-${width}-${colorScheme}`;
      await page.screenshot({ path: join(OUT, `${where}.png`), fullPage: true });
      await accessible(page, where);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wider <= 0, `${where} is ${wider} px wider than the window`);
    }
  }
  await page.setViewportSize({ width: SIZES[0][0], height: SIZES[0][1] });
}

/** What a page is told when it goes out of sight, and when it is looked at again: here, nobody sees any of them. */
export const inSight = (page, isSeen) => page.evaluate((seen) => {
  Object.defineProperty(document, 'hidden', { value: !seen, configurable: true });
  Object.defineProperty(document, 'visibilityState', { value: seen ? 'visible' : 'hidden', configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}, isSeen);

/** What has the focus, as far as it tells pages apart: its id, or the order that it gives. */
export const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.wish || document.activeElement.tagName);

/** Presses Tab until what has the focus fits; gives how often. */
export async function tabTo(page, selector, most = 80) {
  for (let times = 1; times <= most; times += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return times;
  }
  assert.fail(`Tab does not lead to ${selector}`);
}

/** Tells a run something through the dialog, by the button that is given or the first one of that name. */
export async function order(page, wish, why, button = page.locator(`#main [data-wish="${wish}"]`).first()) {
  await button.click();
  await page.getByLabel('Why', { exact: true }).fill(why);
  const sent = page.waitForResponse((answer) => answer.url().endsWith('/orders'));
  await page.locator('dialog button[type="submit"]').click();
  assert.equal((await sent).status(), 202);
  await page.locator('dialog').waitFor({ state: 'detached' });
}
