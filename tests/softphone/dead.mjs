// Without softlanding: a softphone whose token is revoked and whose socket is cut goes dead and stays dead, also with a good
// token. A reload cures it. This is what the users report, with the vendor's own SDK.

import assert from 'node:assert/strict';

import { desk, endCall, prove, sleep, someAgent, talk, twin, until } from './kit.mjs';

// The SDK has given up after 6.1 s (SOFTPHONE.md section 5); the next attempt of one that had not would come within 16 s.
const LONG_MS = 20_000;

await prove('dead', async (room) => {
  const agent = await someAgent();
  const at = await desk(room, agent, { companion: false });
  await endCall(at, await talk(room, at));
  await until('the twin calls it ready', async () => (await twin.softphone(agent)).media_ready);

  await twin.revoke(agent);
  await twin.cut(agent);
  await until('cut', async () => !(await at.ask('connected')));
  await sleep(LONG_MS);
  assert.equal(await at.ask('connected'), false);
  assert.equal((await twin.softphone(agent)).registered, false, 'nothing is registered');

  // A good token now changes nothing.
  const { access_token: fresh } = await twin.login(agent);
  await at.ask('setToken', fresh);
  assert.equal(await at.ask('http'), 200, 'the token is good');
  await sleep(LONG_MS);
  assert.equal(await at.ask('connected'), false);
  assert.equal((await twin.softphone(agent)).registered, false);

  // The reload does.
  await at.page.close();
  const again = await desk(room, agent, { companion: false });
  await endCall(again, await talk(room, again));
});
