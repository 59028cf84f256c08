// A whole Friday with `softlanding serve`: before T the agent's token is refreshed and handed to the page; the publish revokes
// what is older and cuts every socket; the softphone is ready again by itself, a call is answered, and the run says so. Beside it
// sits an agent whose page has no companion: the same publish, and the softphone stays dead. A third one's companion comes only
// when all is lost: it gets the token that waits for it, and the softphone is revived without a reload.

import assert from 'node:assert/strict';

import { desk, endCall, prove, server, talk, twin, until } from './kit.mjs';

await prove('friday', async (room) => {
  const [agent, other, third] = (await twin.truth()).agents.map((a) => a.id);
  await server.start();
  const at = await desk(room, agent);
  const beside = await desk(room, other, { companion: false });
  const late = await desk(room, third);
  for (const one of [at, late]) await until('known', async () => (await one.ask('companion')) === 'connected');
  await late.ask('detach');
  const before = await twin.softphone(agent);
  assert.ok(before.media_ready && (await twin.softphone(other)).media_ready, 'both could take a call before');

  await until('published', async () => (await twin.truth()).publishes_applied === 1, 4);
  await until('cut', async () => (await at.ask('events', 'disconnected')) > 0);
  const cut = Date.now();
  await until('ready again', async () => (await at.ask('connected')) && (await twin.softphone(agent)).media_ready);
  console.log(`ready again ${Date.now() - cut} ms after the cut`);
  assert.deepEqual([await at.ask('events', 'ready'), (await at.ask('sockets')).peak], [1, 1], 'by itself, on the same instance');
  await endCall(at, await talk(room, at));

  for (const dead of [beside, late]) await until('given up', () => dead.ask('events', 'unhandledrejection'));
  for (const dead of [other, third]) assert.equal((await twin.softphone(dead)).media_ready, false);
  await late.ask('attach', process.env.SOFTLANDING_TEST_SERVE);
  await until('revived', async () => (await late.ask('events', 'ready')) === 2 && (await twin.softphone(third)).media_ready);
  assert.equal((await late.ask('sockets')).peak, 1, 'never two at once');
  await endCall(late, await talk(room, late));

  const run = await until('settled', async () => {
    const records = await server.records();
    return records.some((r) => r.event === 'settled') && records;
  }, 4);
  const seats = run[0].plan.roster.map((member) => member.agent);
  const last = (id) => run.filter((r) => r.event === 'judged').flatMap((r) => r.verdicts).filter(([seat]) => seats[seat] === id).at(-1)?.[1];
  const told = (id) => run.filter((r) => r.event === 'page_told' && seats[r.seat] === id).map((r) => `${r.errand}: ${r.answer}`);
  console.log(`told: ${told(agent)}; said: ${JSON.stringify(last(agent))}. Beside: ${told(other)}; ${JSON.stringify(last(other))}. Late: ${told(third)}; ${JSON.stringify(last(third))}`);
  // A page that is slow to open gets its token when it comes.
  assert.equal(told(agent).at(-1), 'token: done');
  assert.equal(last(agent), 'ready');
  assert.deepEqual(told(other), ['token: no_page']);
  assert.deepEqual(told(third).filter((words) => words.startsWith('token')), ['token: no_page', 'token: done']);
  assert.ok(last(third) === 'ready' || last(third).recovered, 'it is found to be ready in the end');
  assert.ok(last(other).straggler, 'it is named as one who cannot take calls');
  assert.equal((await beside.ask('connected')), false);
});
