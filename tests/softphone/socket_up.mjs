// Revoked with the socket up: the softphone notices nothing, the companion reports it, and the new token cures it.

import assert from 'node:assert/strict';

import { desk, endCall, freshToken, hub, prove, reported, someAgent, talk, twin } from './kit.mjs';

await prove('socket_up', async (room) => {
  const agent = await someAgent();
  const at = await desk(room, agent);
  await reported(agent, 'ready', (seen) => seen.ready);

  await twin.revoke(agent);
  assert.equal(await hub.command(agent, 'report'), 'done');
  const seen = await hub.seen(agent);
  assert.deepEqual([seen.connected, seen.http, seen.state, seen.ready], [true, 401, 'up', false]);
  assert.equal((await twin.softphone(agent)).registered, true, 'it does look registered');

  const token = await freshToken(room, agent);
  assert.equal(await hub.command(agent, 'token', { token }), 'done');
  await reported(agent, 'ready', (now) => now.ready);
  assert.deepEqual([(await at.ask('sockets')).opened, await at.ask('events', 'ready')], [1, 1], 'the connection is the old one');
  assert.equal((await twin.softphone(agent)).token_good, true);
  await endCall(at, await talk(room, at));

  // A healthy, idle client gets a new channel on request, and the next cut is not its end.
  const before = (await twin.softphone(agent)).streams[0].channel;
  assert.equal(await hub.command(agent, 'renew'), 'done');
  await reported(agent, 'ready again', (now) => now.ready);
  const [stream, ...others] = (await twin.softphone(agent)).streams;
  assert.deepEqual([others.length, stream.channel === before], [0, false]);
  await twin.cut(agent);
  await reported(agent, 'down', (now) => !now.connected);
  await reported(agent, 'up by itself', (now) => now.ready);
  assert.equal((await at.ask('sockets')).peak, 1);
  await endCall(at, await talk(room, at));
});
