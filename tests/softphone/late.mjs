// The companion comes late: the token was revoked, the socket cut, the client has given up. `revive` with a good token makes
// the softphone ready, without a reload, and a call is answered.

import assert from 'node:assert/strict';

import { desk, endCall, freshToken, hub, prove, reported, sleep, someAgent, talk, twin, until } from './kit.mjs';

await prove('late', async (room) => {
  const agent = await someAgent();
  const at = await desk(room, agent);
  // So the page has a key, as one that was open before has.
  await reported(agent, 'ready', (seen) => seen.ready);
  await at.ask('detach');

  await twin.revoke(agent);
  await twin.cut(agent);
  await until('cut', async () => !(await at.ask('connected')));
  await sleep(15_000); // it has given up after 6.1 s

  await at.ask('attach', process.env.SOFTLANDING_TEST_SERVE);
  const dead = await reported(agent, 'a report', () => true);
  assert.deepEqual([dead.ready, dead.connected, dead.http], [false, false, 401]);

  const token = await freshToken(room, agent);
  const began = Date.now();
  assert.equal(await hub.command(agent, 'revive', { token }), 'done');
  await reported(agent, 'ready', (seen) => seen.ready);
  console.log(`ready ${Date.now() - began} ms after the command`);
  assert.deepEqual([(await at.ask('sockets')).now, (await at.ask('sockets')).peak], [1, 1]);
  assert.equal((await twin.softphone(agent)).streams.length, 1);
  await endCall(at, await talk(room, at));
});
