// Without softlanding: a softphone whose token is revoked and whose socket is cut goes dead and stays dead, also with a good
// token. A reload cures it. This is what the users report, with the vendor's own SDK.

import assert from 'node:assert/strict';

import { desk, endCall, freshToken, prove, sleep, someAgent, talk, twin, until } from './kit.mjs';

// Longer than any pause between two attempts that it can have reached.
const LONG_MS = 10_000;

await prove('dead', async (room) => {
  const agent = await someAgent();
  const at = await desk(room, agent, { companion: false });
  await endCall(at, await talk(room, at));
  await until('the twin calls it ready', async () => (await twin.softphone(agent)).media_ready);

  await twin.revoke(agent);
  await twin.cut(agent);
  await until('it has given up', () => at.ask('events', 'unhandledrejection'));
  await sleep(LONG_MS);
  assert.equal(await at.ask('connected'), false);
  assert.equal((await twin.softphone(agent)).registered, false, 'nothing is registered');

  // A good token now changes nothing.
  await at.ask('setToken', await freshToken(room, agent));
  assert.equal(await at.ask('http'), 200, 'the token is good');
  await sleep(LONG_MS);
  assert.equal(await at.ask('connected'), false);
  assert.equal((await twin.softphone(agent)).registered, false);

  // The reload does.
  await at.page.close();
  const again = await desk(room, agent, { companion: false });
  await endCall(again, await talk(room, again));
});
