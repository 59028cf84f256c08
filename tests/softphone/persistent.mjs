// A station with a persistent connection: the line stays open between calls. Idle, it is no call and nothing is left of it
// after a revival; in use, it is one; and when the end of a call cannot be heard any more, the platform is asked.

import assert from 'node:assert/strict';

import { desk, freshToken, hub, prove, reported, someAgent, sound, talk, twin, until } from './kit.mjs';

await prove('persistent', async (room) => {
  const agent = await someAgent();
  const at = await desk(room, agent);
  await reported(agent, 'ready', (seen) => seen.ready);

  const first = await talk(room, at);
  await reported(agent, 'a call', (seen) => seen.call);
  await twin.hangUp(first.conversation);
  await reported(agent, 'no call', (seen) => !seen.call && seen.ready);
  assert.equal(await at.ask('sessions'), 1, 'the line is still there');

  // A second call over the same line: no session of its own, answered by HTTP.
  const { conversation } = await twin.ring(agent);
  await until('it rings', () => at.ask('rings', conversation));
  await reported(agent, 'a ring', (seen) => seen.call);
  await at.ask('answer', conversation);
  await sound(at, first.end);
  assert.equal(await hub.command(agent, 'renew'), 'deferred');
  await sound(at, first.end);
  await twin.hangUp(conversation);
  await reported(agent, 'no call', (seen) => !seen.call && seen.ready);

  assert.equal(await hub.command(agent, 'revive'), 'done');
  await reported(agent, 'ready', (seen) => seen.ready && !seen.call);
  assert.equal(await at.ask('sessions'), 0, 'no line that the SDK does not know');
  assert.equal((await at.ask('sockets')).peak, 1);
  await first.end.close();

  // The publish as the users tell it, in a call whose end cannot be heard: the line stays, and the socket is gone.
  const last = await talk(room, at);
  await twin.revoke(agent);
  await twin.cut(agent);
  await reported(agent, 'given up', (seen) => seen.state === 'given_up' && seen.call);
  assert.equal(await hub.command(agent, 'token', { token: await freshToken(room, agent) }), 'deferred');
  await sound(at, last.end);
  await twin.hangUp(last.conversation);
  await reported(agent, 'ready after the call', (seen) => seen.ready && !seen.call);
  await until('the line was ended where it is heard', async () => (await at.ask('sessions')) === 0);
  await reported(agent, 'ready in the end', (seen) => seen.ready && !seen.call);
  assert.equal((await at.ask('sockets')).peak, 1);
  await last.end.close();
  await talk(room, at);
});
