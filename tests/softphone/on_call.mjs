// On a call throughout: sound and session survive every command, a cut and a revocation; the cure comes after the call.

import assert from 'node:assert/strict';

import { desk, endCall, freshToken, hub, prove, reported, someAgent, sound, talk, twin, until } from './kit.mjs';

await prove('on_call', async (room) => {
  const agent = await someAgent();
  const at = await desk(room, agent);
  await reported(agent, 'ready', (seen) => seen.ready);
  const call = await talk(room, at);
  await reported(agent, 'a call', (seen) => seen.call);

  const told = [];
  for (const errand of ['token', 'revive', 'renew', 'notify', 'report']) {
    const more = errand === 'notify' ? { words: 'Please reload.' } : errand === 'report' ? {} : { token: await freshToken(room, agent) };
    told.push(await hub.command(agent, errand, more));
    await sound(at, call.end);
    assert.equal(await at.ask('sessions'), 1, `the session is known after ${errand}`);
  }
  assert.deepEqual(told, ['done', 'deferred', 'deferred', 'deferred', 'done']);
  assert.equal((await at.ask('sockets')).opened, 1, 'nothing was opened');
  assert.equal(await at.page.locator('softlanding-banner').count(), 0, 'no banner during the call');
  await endCall(at, call);
  await until('the cure after the call', async () => (await at.ask('events', 'ready')) === 2);
  await reported(agent, 'ready', (seen) => seen.ready && !seen.call);
  await until('the banner after the call', () => at.page.locator('softlanding-banner').getByText('Please reload.').count());
  await at.page.keyboard.press('Escape');
  assert.equal(await at.page.locator('softlanding-banner').count(), 0, 'Escape takes it away');

  // And now the publish as the users tell it, in the middle of a call.
  const second = await talk(room, at);
  await twin.revoke(agent);
  await twin.cut(agent);
  await reported(agent, 'given up', (seen) => seen.state === 'given_up' && seen.call);
  assert.equal(await hub.command(agent, 'revive', { token: await freshToken(room, agent) }), 'deferred');
  await sound(at, second.end);
  assert.equal(await at.ask('sessions'), 1, 'mute and hang-up still find the session');
  await twin.hangUp(second.conversation);
  await second.end.close();
  await reported(agent, 'ready after the call', (seen) => seen.ready && !seen.call);
  assert.deepEqual([(await at.ask('sockets')).now, (await at.ask('sockets')).peak], [1, 1]);
  await endCall(at, await talk(room, at));
});
