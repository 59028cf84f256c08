// A page that softlanding does not know, with a token that the platform refuses: a discreet banner asks the agent to sign in
// once, the sign-in runs in a window of its own, and the page is let in without a reload.

import assert from 'node:assert/strict';

import { desk, prove, server, someAgent, twin, until } from './kit.mjs';

await prove('sign_in', async (room) => {
  const agent = await someAgent();
  await server.start();
  const at = await desk(room, agent, { companion: false });
  await twin.revoke(agent);
  await at.ask('attach', process.env.SOFTLANDING_TEST_SERVE);
  await until('it is said', async () => (await at.ask('companion')) === 'sign_in_needed');
  const banner = at.page.locator('softlanding-banner');
  assert.equal(await banner.getByRole('status').count(), 1);

  const [popup] = await Promise.all([room.context.waitForEvent('page'), banner.getByRole('button', { name: 'Sign in' }).click()]);
  await popup.waitForLoadState();
  await popup.locator(`[href*="twin_agent=${agent}"]`).first().click();
  await until('let in', async () => (await at.ask('companion')) === 'connected');
  assert.equal(await banner.count(), 0, 'the banner is gone');
  assert.equal(await at.ask('connected'), true, 'the softphone was not touched');
});
