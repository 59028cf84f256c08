// A publish by softlanding, two desks side by side. The publish revokes tokens older than half an hour and cuts every socket.
// One desk has a companion and got a token before; it is ready again by itself and takes a call. The other is dead.

import assert from 'node:assert/strict';

import { desk, endCall, freshToken, hub, prove, reported, settled, talk, twin, until } from './kit.mjs';

await prove('friday', async (room) => {
  const [first, second] = (await twin.truth()).agents.map((agent) => agent.id);
  const helped = await desk(room, first);
  const alone = await desk(room, second, { companion: false });
  await reported(first, 'ready', (seen) => seen.ready);
  await until('both are ready', async () => (await twin.softphones()).every((phone) => phone.media_ready));
  assert.equal((await twin.truth()).publishes_applied, 0, 'it is still before the publish');
  assert.equal(await hub.command(first, 'token', { token: await freshToken(room, first) }), 'done');

  await until('the publish', async () => (await twin.truth()).publishes_applied === 1);
  await reported(first, 'cut', (seen) => !seen.connected);
  const cut = Date.now();
  await reported(first, 'ready again', (seen) => seen.ready);
  console.log(`ready again ${Date.now() - cut} ms after the page noticed the cut`);
  assert.deepEqual([await helped.ask('events', 'ready'), (await helped.ask('sockets')).peak], [1, 1], 'by itself');
  await endCall(helped, await talk(room, helped));

  await until('the other has given up', () => alone.ask('events', 'unhandledrejection'));
  assert.equal(await alone.ask('connected'), false);
  await settled();
  assert.deepEqual((await twin.softphones()).map((phone) => phone.media_ready), [true, false]);
});
