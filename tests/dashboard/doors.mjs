// Who may do what: a viewer sees no buttons and is refused when the request is forced, somebody whom no rule lets in stays
// outside, other pages can do nothing in a person's name; and the whole way goes by the keyboard alone.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';

import { IRIS, NORA, RUN, SERVE, TOM, accessible, drawn, focused, inEveryLight, inSight, order, signIn, tabTo, visit, walk } from './kit.mjs';

const orders = `${SERVE}/api/v1/runs/${RUN}/orders`;
const hold = { wish: 'hold', why: 'forced' };

async function csrfOf(context) {
  return (await (await context.request.get(`${SERVE}/api/v1/me`)).json()).csrf;
}

/** Another page that has a signed-in browser send an order: the status that it gets. */
async function forged(context, host) {
  const server = createServer((_, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>other</title>'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const page = await context.newPage();
  await page.goto(`http://${host}:${server.address().port}/`);
  const answered = page.waitForResponse((answer) => answer.url() === orders);
  // A form could send no more than this: a plain text, with whatever cookies the browser gives it.
  await page.evaluate(([to, body]) => fetch(to, { method: 'POST', mode: 'no-cors', credentials: 'include', body }), [orders, JSON.stringify(hold)]);
  const status = (await answered).status();
  await page.close();
  server.close();
  server.closeAllConnections();
  return status;
}

await walk('doors', async ({ visitor, refuses }) => {
  // A stranger comes no further than the sign-in, and learns nothing there.
  const stranger = await visitor();
  const outside = await stranger.newPage();
  await outside.goto(`${SERVE}/runs/${RUN}`);
  await outside.getByRole('heading', { name: 'Sign in' }).waitFor();
  await inEveryLight(outside, 'sign-in');
  assert.equal((await stranger.request.get(`${SERVE}/api/v1/runs`)).status(), 401);
  await outside.getByRole('link', { name: 'Sign in with Genesys Cloud' }).click();
  await outside.getByRole('link', { name: IRIS }).click();
  await outside.getByRole('heading', { name: 'You may not come in' }).waitFor();
  await outside.getByText('iris.chen@northfield.example').waitFor();
  await inEveryLight(outside, 'not-admitted');
  assert.equal((await stranger.cookies()).filter((cookie) => cookie.name === 'softlanding_session').length, 0);
  const bad = await stranger.request.get(`${SERVE}/sign-in/callback?code=x&state=${'a'.repeat(64)}`, { maxRedirects: 0 });
  assert.equal(bad.status(), 400, 'nobody began this sign-in');

  // A viewer looks.
  const tom = await visitor();
  const looking = await tom.newPage();
  await signIn(looking, TOM, `/runs/${RUN}`);
  assert.equal(new URL(looking.url()).pathname, `/runs/${RUN}`, 'back where it began');
  await looking.locator('#connection', { hasText: 'live' }).waitFor();
  assert.equal(await looking.locator('[data-wish]').count(), 0);
  const forced = await tom.request.post(orders, { data: hold, headers: { 'x-csrf-token': await csrfOf(tom), origin: SERVE, 'sec-fetch-site': 'same-origin', 'idempotency-key': 'forced-1' } });
  assert.equal(forced.status(), 403);
  assert.match((await forced.json()).detail, /viewer/);
  await visit(looking, '/');
  await looking.getByRole('cell', { name: 'planned' }).first().waitFor();
  assert.equal(await looking.locator('[data-stage]').count(), 0);
  await visit(looking, '/check');
  await looking.getByText('takes an operator').waitFor();
  assert.equal(await looking.getByRole('button', { name: 'Call the roll' }).count(), 0);

  // An approver, by the keyboard alone: sign in, overview, the run, its order, its cells, a story.
  const nora = await visitor();
  const page = await nora.newPage();
  await page.goto(`${SERVE}/`);
  await tabTo(page, 'a.button');
  await page.keyboard.press('Enter');
  await page.getByText('Who signs in?').waitFor();
  await tabTo(page, 'a[href*="twin_agent=00000a06-0000-4000-8000-000000000000"]');
  await page.keyboard.press('Enter');
  await drawn(page);
  await page.keyboard.press('Tab');
  assert.ok(await page.evaluate(() => document.activeElement.matches('.skip')), 'the first stop skips the bar');
  await page.keyboard.press('Enter');
  await tabTo(page, `a[href="/runs/${RUN}"]`);
  await page.keyboard.press('Enter');
  await page.locator('#run-title').waitFor();
  await page.locator('.hero .badge', { hasText: 'waits for approval' }).waitFor();
  await tabTo(page, '[data-wish="approve"]');
  await page.keyboard.press('Enter');
  await page.locator('dialog[open]').waitFor();
  await accessible(page, 'the dialog');
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  assert.ok(await page.evaluate(() => document.activeElement.matches('[data-wish="approve"]')), 'the focus is back where it was');
  await page.keyboard.press('Enter');
  await page.locator('dialog[open]').waitFor();
  await page.keyboard.type('the board has met');
  await tabTo(page, 'dialog button[type="submit"]');
  await page.keyboard.press('Enter');
  await page.locator('#main [data-wish="approve"]').waitFor({ state: 'detached' });
  await page.getByText('approved by Nora Lindqvist (nora.lindqvist@northfield.example): the board has met').first().waitFor();
  await tabTo(page, '.cell');
  const seat = () => page.evaluate(() => Number(document.activeElement.dataset.seat));
  const first = await seat();
  await page.keyboard.press('ArrowRight');
  const second = await seat();
  assert.notEqual(first, second);
  await page.keyboard.press('ArrowDown');
  assert.notEqual(await seat(), second);
  await page.keyboard.press('Control+Home');
  assert.equal(await seat(), first);
  assert.equal(await page.locator('.cell[tabindex="0"]').count(), 1, 'the grid is one stop');
  await page.keyboard.press('Enter');
  await page.locator('#agent-title').waitFor();
  await visit(page, `/runs/${RUN}`);

  // Light and dark by choice, which is kept.
  await page.getByLabel('Colours').selectOption('dark');
  await page.reload();
  await drawn(page);
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');

  // Other pages can do nothing in her name: from another site the cookie does not come along, from another port it does.
  assert.ok([401, 403, 415].includes(await forged(nora, 'localhost')));
  assert.ok([403, 415].includes(await forged(nora, '127.0.0.1')));
  const bare = await nora.request.post(orders, { data: hold, headers: { origin: SERVE, 'sec-fetch-site': 'same-origin', 'idempotency-key': 'bare-1' } });
  assert.equal(bare.status(), 403, 'no token');
  const elsewhere = await nora.request.post(orders, { data: hold, headers: { 'x-csrf-token': await csrfOf(nora), origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site', 'idempotency-key': 'bare-2' } });
  assert.equal(elsewhere.status(), 403, 'another origin');
  assert.equal((await nora.request.post(`${SERVE}/sign-out`, { headers: { origin: SERVE } })).status(), 403, 'nobody else signs her out');

  // A text of somebody's is a text: what a reason holds is shown and not run.
  await order(page, 'hold', '<img src=x onerror="document.title=1"><b>bold</b>');
  await page.locator('.hero .badge', { hasText: 'held' }).waitFor();
  await page.getByText('<b>bold</b>').first().waitFor();
  assert.equal(await page.locator('main b, main img[src="x"]').count(), 0);

  await page.getByLabel('Colours').selectOption('system');

  // Pages that nobody sees leave their connections to others: six of them would be all that a browser has for one host.
  const aside = [];
  for (let n = 0; n < 6; n += 1) {
    const other = await nora.newPage();
    await visit(other, `/runs/${RUN}`);
    await other.locator('#connection', { hasText: 'live' }).waitFor();
    await inSight(other, false);
    await other.locator('#main[data-live="paused"]').waitFor();
    aside.push(other);
  }
  await order(page, 'resume', 'six others do not hold it up');
  await page.locator('.hero .badge', { hasText: 'held' }).waitFor({ state: 'detached' });
  assert.equal(await aside[0].getByText('six others do not hold it up').count(), 0, 'it hears nothing');
  await inSight(aside[0], true);
  await aside[0].locator('#main[data-live="live"]').waitFor();
  await aside[0].getByText('six others do not hold it up').first().waitFor();

  // Many lines about what people did can be moved through with the keyboard, the newest first.
  for (let n = 0; n < 6; n += 1) {
    await order(page, 'hold', `a storm warning, number ${n}, ${'and it is a long one '.repeat(8)}`);
    await page.locator('#main [data-wish="hold"]').waitFor({ state: 'detached' });
    await order(page, 'resume', `the storm has passed, number ${n}, ${'and it was a long one '.repeat(8)}`);
    await page.locator('#main [data-wish="hold"]').waitFor();
  }
  const told = page.getByRole('list', { name: 'Orders and brakes, the newest first' });
  await told.locator('li').first().filter({ hasText: 'has passed, number 5' }).waitFor();
  assert.ok(await told.evaluate((list) => list.scrollHeight > list.clientHeight), 'more than fits');
  await inEveryLight(page, 'orders');

  // An order that is not answered says so, and is the same one when it is sent again.
  const waiting = aside[1];
  await waiting.clock.install();
  await visit(waiting, `/runs/${RUN}`);
  const keys = [];
  await waiting.route('**/orders', (route) => keys.push(route.request().headers()['idempotency-key']));
  await waiting.locator('[data-wish="hold"]').click();
  await waiting.getByLabel('Why', { exact: true }).fill('nobody answers');
  const sendIt = waiting.locator('dialog button[type="submit"]');
  for (let n = 1; n <= 2; n += 1) {
    const sent = waiting.waitForRequest('**/orders');
    await sendIt.click();
    await sent;
    await waiting.clock.fastForward(31_000);
    await waiting.locator('dialog .error', { hasText: 'has not answered within 30 s' }).waitFor();
  }
  assert.ok(keys.length === 2 && keys[0] === keys[1], `${keys}`);
  await Promise.all(aside.map((other) => other.close()));

  // Who is not signed in any more is led to the sign-in, and is not told of a lost connection for ever.
  refuses(`/api/v1/runs/${RUN}/events`);
  refuses('/api/v1/me');
  refuses(`/api/v1/runs/${RUN}`);
  await visit(looking, `/runs/${RUN}`);
  // The first frame has the page look once more; after that it only listens.
  await looking.waitForResponse((answer) => new URL(answer.url()).pathname === `/api/v1/runs/${RUN}`);
  await looking.locator('#main[data-live="live"]').waitFor();
  const out = await tom.request.post(`${SERVE}/sign-out`, { headers: { 'x-csrf-token': await csrfOf(tom), origin: SERVE, 'sec-fetch-site': 'same-origin' } });
  assert.ok(out.ok(), `${out.status()}`);
  await inSight(looking, false);
  await inSight(looking, true);
  await looking.getByRole('heading', { name: 'Sign in' }).waitFor();

  // What nobody has staged is staged from the calendar, and what cannot be staged says why.
  await visit(page, '/');
  const stage = page.locator('[data-stage="overtime"]');
  // Two drafts fit what this entry asks for: the page says that, and not that it is staged.
  await page.locator('.notice.alarm', { hasText: 'entry unclear' }).filter({ hasText: 'could mean 2 draft schedules' }).waitFor();
  await page.getByRole('row').filter({ hasText: 'unclear' }).first().getByText('cannot be staged so far').waitFor();
  await page.getByRole('row').filter({ hasText: 'overtime' }).first().getByText(/planned, to be staged in/).waitFor();
  const planned = await stage.count();
  await stage.first().click();
  await page.getByText('Staged: Customer Care').first().waitFor();
  await page.getByRole('row').filter({ has: page.getByRole('link', { name: 'overtime' }) }).getByText('staged, waits for its time').waitFor();
  assert.equal(await stage.count(), planned - 1);
  refuses('/api/v1/runs');
  await stage.first().click();
  await page.getByText('overtime could not be staged: ').waitFor();
  await inEveryLight(page, 'calendar');

  // The policy holds: a script of the page's own making does not run.
  const policy = (await nora.request.get(`${SERVE}/`)).headers()['content-security-policy'];
  assert.ok(policy.includes("default-src 'none'") && !policy.includes('unsafe'), policy);
});
