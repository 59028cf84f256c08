// A Friday in the browser: sign in, hold and resume with a reason, watch it live until it has settled, a straggler's story, the
// report, a roll call, every page in every light, the evidence, sign out.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { NORA, RUN, SERVE, accessible, drawn, focused, inEveryLight, order, signIn, visit, walk } from './kit.mjs';

const cells = (page, cell) => page.locator(`.cell[data-cell="${cell}"]`);

await walk('friday', async ({ visitor, refuses }) => {
  const nora = await visitor();
  const page = await nora.newPage();
  await signIn(page, NORA);
  assert.match(await page.locator('#who').innerText(), /Nora Lindqvist.*approver/);
  await page.locator('.countdown .big').first().waitFor();

  // Before the publish: nobody is checked; held and let go again, with a reason each.
  await page.getByRole('link', { name: 'Customer Care' }).first().click();
  await drawn(page);
  assert.equal(await page.locator('.cell').count(), 60);
  assert.equal(await cells(page, 'unjudged').count(), 60);
  await page.locator('#connection', { hasText: 'live' }).waitFor();
  await order(page, 'hold', 'a storm warning');
  await page.locator('.hero .badge', { hasText: 'held' }).waitFor();
  // The button is gone; the focus is not.
  assert.equal(await focused(page), 'run-title');
  // An order that is meant for before the publish says so when the publish comes in between, and so does the server.
  const abort = page.locator('#main [data-wish="abort"]').first();
  await abort.click();
  await page.locator('#means', { hasText: 'nothing is left behind' }).waitFor();
  const { csrf } = await (await nora.request.get(`${SERVE}/api/v1/me`)).json();
  const headers = { 'x-csrf-token': csrf, origin: SERVE, 'sec-fetch-site': 'same-origin' };
  const orders = `${SERVE}/api/v1/runs/${RUN}/orders`;
  assert.equal((await nora.request.post(orders, { headers, data: { wish: 'resume', why: 'the storm has passed' } })).status(), 202);
  await page.locator('dialog .notice', { hasText: 'The publish has been made meanwhile. Abort means something else now.' }).waitFor();
  await page.locator('#means', { hasText: 'The publish stands.' }).waitFor();
  await accessible(page, 'a dialog that says it anew');
  const late = await nora.request.post(orders, { headers, data: { wish: 'abort', expects: 'before_publish', why: 'too late' } });
  assert.equal(late.status(), 409);
  assert.match((await late.json()).detail, /the publish has been made meanwhile/);
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  assert.equal(await focused(page), 'abort');
  await page.locator('.hero .badge', { hasText: 'held' }).waitFor({ state: 'detached' });
  await page.getByText('held by Nora Lindqvist (nora.lindqvist@northfield.example): a storm warning').first().waitFor();

  // The publish, as it happens: cells change without anything being loaded again.
  await page.evaluate(() => (globalThis.sameDocument = true));
  await cells(page, 'recovered').first().waitFor();
  await cells(page, 'straggler').first().waitFor();
  await page.locator('.tiles .n').first().waitFor();
  assert.equal(await page.evaluate(() => globalThis.sameDocument), true);

  // One for whom every remedy was tried is tried again, with a reason.
  // Nobody was asked to help: no hook is there to do it.
  const tired = page.locator('.people li', { hasText: 'phone reboot' }).first();
  await order(page, 'retry', 'her shift starts soon', tired.getByRole('button'));
  assert.equal(await page.locator('.people li', { hasText: 'asking a person' }).count(), 0);

  // A straggler's story, while it is helped.
  const straggler = page.locator('.people a').first();
  await straggler.waitFor();
  const name = await straggler.innerText();
  await straggler.click();
  await page.locator('#agent-title', { hasText: name }).waitFor();
  assert.ok((await page.locator('ol.lines li').count()) > 1, 'a straggler has a story');
  assert.ok((await page.getByRole('row').count()) > 5, 'each signal has a row');
  await page.goBack();
  await drawn(page);

  // It settles by itself, and the page says so.
  await page.locator('#main[data-live="over"]').waitFor();
  await page.locator('.hero .badge', { hasText: 'settled' }).waitFor();
  assert.match(await page.locator('.countdown').innerText(), /\d+ of 60\s+softphones ready/);
  assert.equal(await cells(page, 'unjudged').count(), 0);
  assert.equal(await page.locator('#main [data-wish="hold"]').count(), 0, 'a run that is over cannot be held');
  await page.locator('.tiles button', { hasText: 'recovered' }).click();
  assert.equal(await page.locator('.cell[data-cell="ready"]:not(.filtered)').count(), 0, 'only those who recovered');
  await page.locator('.tiles button', { hasText: 'recovered' }).click();
  await page.getByText('Agents as a table').click();
  await page.locator('#name').fill(name);
  await page.locator('details.card tbody tr').filter({ hasText: name }).first().waitFor();
  await page.locator('#name').fill('');
  await page.getByText('Agents as a table').click();

  // The report is the run's.
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'JSON' }).click()]);
  const report = JSON.parse(readFileSync(await download.path(), 'utf8'));
  assert.equal(report.ending, 'settled');
  assert.equal(report.agents.length, 60);
  assert.ok(report.agents.some((agent) => agent.name === name), 'the straggler is in the report');

  // A roll call finds the same stragglers, and one of nobody says who there is.
  await page.getByRole('link', { name: 'Roll call' }).click();
  await drawn(page);
  refuses('/api/v1/checks');
  await page.getByLabel('Business unit').fill('Custmer Care');
  await page.getByRole('button', { name: 'Call the roll' }).click();
  await page.getByRole('alert').filter({ hasText: 'Customer Care' }).waitFor();
  await page.getByLabel('Business unit').fill('Customer Care');
  await page.getByRole('button', { name: 'Call the roll' }).click();
  await page.locator('#answer').waitFor();
  const [kept] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'JSON' }).click()]);
  const called = JSON.parse(readFileSync(await kept.path(), 'utf8'));
  assert.equal(called.agents.length, 60);
  assert.ok(called.agents.some((agent) => agent.name === name && agent.cell === 'straggler'), 'the straggler is one');
  assert.equal(await page.locator('tbody tr').count(), 50, 'a page of them');
  await page.locator('.tiles button', { hasText: 'stragglers' }).click();
  assert.equal(await page.locator('tbody tr').count(), called.tally.stragglers);
  await inEveryLight(page, 'check');
  await visit(page, `/runs/${RUN}`);

  // On a phone the phases are moved to T, not to where they begin.
  await page.setViewportSize({ width: 400, height: 860 });
  await page.reload();
  await drawn(page);
  // The picture may be drawn anew at any moment: it is asked in the page, where it is whole.
  await page.waitForFunction(() => {
    const T = document.querySelector('figure[aria-label="Phases around the publish"] .t-name')?.getBoundingClientRect();
    return T !== undefined && T.x > 0 && T.x < 400;
  });

  // Every page, in both sizes, light and dark.
  await inEveryLight(page, 'run');
  const story = await page.evaluate(async (run) => (await (await fetch(`/api/v1/runs/${run}/agents?verdict=straggler&limit=1`)).json()).agents[0], RUN);
  await visit(page, `/runs/${RUN}/agents/${story.agent}`);
  await inEveryLight(page, 'agent');
  await visit(page, '/evidence');
  await page.locator('figure .picture circle.before').first().waitFor();
  await page.getByText('America/Chicago').first().waitFor();
  assert.equal(await page.getByText('UTC').count(), 0, 'the zone of the run, and no other');
  await inEveryLight(page, 'evidence');
  await visit(page, '/');
  await inEveryLight(page, 'overview');
  for (const box of (await page.getByRole('checkbox').all()).slice(0, 3)) await box.check();
  await page.getByRole('button', { name: 'Compare' }).click();
  await drawn(page);
  assert.equal(await page.locator('thead th').count(), 3);
  assert.ok((await page.locator('figure path.line').count()) >= 2, 'the runs are drawn');
  await inEveryLight(page, 'compare');

  // Out again: the session is over for whoever has its cookie.
  const before = await nora.cookies();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  await inEveryLight(page, 'signed-out');
  const [session] = before.filter((cookie) => cookie.name === 'softlanding_session');
  assert.ok(session.httpOnly && session.sameSite === 'Lax');
  const again = await nora.request.get('/api/v1/me'.replace(/^/, new URL(page.url()).origin), { headers: { cookie: `softlanding_session=${session.value}` } });
  assert.equal(again.status(), 401);
});
