// Before the publish, where the policy says so: an idle softphone gets a new session with its new token, younger than the publish,
// by itself and without a reload. The next cut is survived, and a call is answered.

import assert from 'node:assert/strict';

import { desk, endCall, freshToken, hub, prove, reported, someAgent, talk, twin } from './kit.mjs';

await prove('renewed', async (room) => {
  const agent = await someAgent();
  const at = await desk(room, agent);
  await reported(agent, 'ready', (seen) => seen.ready);
  const [before] = (await twin.softphone(agent)).streams;

  assert.equal(await hub.command(agent, 'renew', { token: await freshToken(room, agent) }), 'done');
  await reported(agent, 'ready again', (seen) => seen.ready);
  const [after, ...more] = (await twin.softphone(agent)).streams;
  assert.equal(more.length, 0, 'one session and no more');
  assert.notEqual(after.channel, before.channel, 'the session is a new one');
  assert.deepEqual([(await at.ask('sockets')).opened, (await at.ask('sockets')).now], [2, 1]);

  await twin.cut(agent);
  await reported(agent, 'down', (seen) => !seen.connected);
  await reported(agent, 'back by itself', (seen) => seen.ready);
  await endCall(at, await talk(room, at));
});
