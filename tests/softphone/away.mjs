// softlanding goes away in the middle of everything: the softphone does not notice, a call goes on, and the page comes back to
// softlanding by itself, with its key.

import assert from 'node:assert/strict';

import { desk, endCall, prove, server, sleep, someAgent, sound, talk, twin, until } from './kit.mjs';

await prove('away', async (room) => {
  const agent = await someAgent();
  await server.enrol();
  await server.start();
  const at = await desk(room, agent);
  await until('known', async () => (await at.ask('companion')) === 'connected');
  const call = await talk(room, at);

  await server.kill();
  await until('noticed', async () => (await at.ask('companion')) === 'away');
  await sound(at, call.end);
  await sleep(5_000);
  await sound(at, call.end);
  assert.equal(await at.ask('companion'), 'away');
  await endCall(at, call);
  await endCall(at, await talk(room, at));
  // The SDK's own way back is its own.
  await twin.cut(agent);
  await until('cut', async () => !(await at.ask('connected')));
  await until('back by itself', async () => (await twin.softphone(agent)).media_ready);
  assert.deepEqual([await at.ask('events', 'ready'), (await at.ask('sockets')).peak], [1, 1]);

  // The token is revoked meanwhile; the key is enough.
  await twin.revoke(agent);
  await server.start();
  await until('known again', async () => (await at.ask('companion')) === 'connected');
  assert.equal(await at.page.locator('softlanding-banner').count(), 0, 'nobody was asked to sign in');
});
