// With the token handed over beforehand the same revocation and the same cut are survived: the softphone is ready again by
// itself, a call rings, is answered, and sound flows both ways.

import assert from 'node:assert/strict';

import { desk, endCall, hub, freshToken, prove, reported, someAgent, talk, twin, until } from './kit.mjs';

await prove('pre_refresh', async (room) => {
  const agent = await someAgent();
  const at = await desk(room, agent);
  await reported(agent, 'ready', (seen) => seen.ready);

  // What is revoked was issued before; so the order is that of a publish: revoke, refresh in time, cut.
  await twin.revoke(agent);
  assert.equal(await hub.command(agent, 'token', { token: await freshToken(room, agent) }), 'done');
  const cut = Date.now();
  await twin.cut(agent);
  await reported(agent, 'down', (seen) => !seen.connected);
  await reported(agent, 'ready again', (seen) => seen.ready);
  console.log(`ready again ${Date.now() - cut} ms after the cut`);
  assert.deepEqual([await at.ask('events', 'ready'), (await at.ask('sockets')).peak], [1, 1], 'by itself, on the same instance');
  await until('the twin agrees', async () => (await twin.softphone(agent)).media_ready);
  await endCall(at, await talk(room, at));
});
