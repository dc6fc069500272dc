import { describe, expect, it } from 'vitest';
import { expireLetters } from '../../src/shared/lanes/dead/dead-letters.ts';
import { shardOn } from '../../src/shared/lanes/shard.ts';
import { eventually } from '../support/eventually.ts';
import { type HeldInstallation, installWithHolds } from '../support/held-installation.ts';
import { openLanes } from '../support/lanes.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import type { InstallationOptions } from '../support/worker.ts';

const target = { page: 'p1', conversation: 'c1' };

const used = useRedis();

/** Dead letters hold their conversations; the API refuses what says "message 1". */
async function installHolding(options: InstallationOptions = {}): Promise<HeldInstallation> {
  return await installWithHolds(used.server, {
    ...options,
    config: { onDeadLetter: 'hold', ...options.config },
    api: { faults: [{ kind: 'status', status: 400, match: { textIncludes: 'message 1' } }], ...options.api },
  });
}

/** Messages 1 to 3 of a conversation, the first of them dead and its conversation held. */
async function withHeld(site: HeldInstallation): Promise<[dead: string, second: string, third: string]> {
  const ids: string[] = [];
  for (const n of [1, 2, 3]) ids.push(await site.enqueue(textMessage('c1', n)));
  const [dead = '', second = '', third = ''] = ids;
  await site.until(dead, 'dead');
  return [dead, second, third];
}

async function holdsOf(site: HeldInstallation): Promise<unknown[]> {
  return (await site.status()).holds;
}

function textsOf({ api }: HeldInstallation): (string | undefined)[] {
  return api.accepted.map(({ message }) => ('text' in message ? message.text : undefined));
}

describe.concurrent('a dead letter with KITECHAT_ON_DEAD_LETTER=hold', () => {
  it('holds its conversation and no other, and status and message say so', async () => {
    await using site = await installHolding();
    const [dead, second, third] = await withHeld(site);
    const others = [await site.enqueue(textMessage('c2', 2)), await site.enqueue(textMessage('c1', 2, 'p2'))];
    for (const other of others) await site.until(other, 'delivered');
    expect(await holdsOf(site)).toEqual([{ scope: 'conversation', ...target, reason: 'dead-letter', letter: dead }]);
    expect(await site.status()).toMatchObject({ held: 1, queued: 1, dead: 1 });
    for (const waiting of [second, third]) {
      expect(await site.producer.getMessage(waiting)).toMatchObject({ status: 'held', nextAttemptAt: null });
    }
    expect(site.api.accepted).toHaveLength(2);
  });

  it('lets the conversation go on without it when an operator releases it', async () => {
    await using site = await installHolding();
    const [dead, , third] = await withHeld(site);
    await site.release(target);
    await site.until(third, 'delivered');
    expect(textsOf(site)).toEqual(['message 2', 'message 3']);
    expect(await site.deadLetters.get(dead)).toMatchObject({ id: dead });
    expect(await holdsOf(site)).toEqual([]);
  });

  it('sent again goes before all that wait, and ends the hold', async () => {
    await using site = await installHolding();
    const [dead, , third] = await withHeld(site);
    site.api.setFaults([]);
    expect(await site.deadLetters.replay({ ids: [dead] })).toMatchObject({ done: 1 });
    await site.until(third, 'delivered');
    expect(textsOf(site)).toEqual(['message 1', 'message 2', 'message 3']);
    expect(await holdsOf(site)).toEqual([]);
  });

  it('sent again goes before all that wait also where the operator holds the page: it waits for that hold alone', async () => {
    await using site = await installHolding();
    const [dead, , third] = await withHeld(site);
    await site.hold({ page: 'p1' });
    site.api.setFaults([]);
    await site.deadLetters.replay({ ids: [dead] });
    expect(await holdsOf(site)).toEqual([{ scope: 'page', page: 'p1', reason: 'operator' }]);
    await site.release({ page: 'p1' });
    await site.until(third, 'delivered');
    expect(textsOf(site)).toEqual(['message 1', 'message 2', 'message 3']);
  });

  it('that dies again when it is sent again holds the conversation again', async () => {
    await using site = await installHolding();
    const [dead, second] = await withHeld(site);
    let newId = '';
    await site.deadLetters.replay({ ids: [dead], onReplayed: (_id, replayed) => void (newId = replayed) });
    await site.until(newId, 'dead');
    expect(await holdsOf(site)).toMatchObject([{ reason: 'dead-letter', letter: newId }]);
    expect(await site.producer.getMessage(second)).toMatchObject({ status: 'held' });
    expect(await site.deadLetters.get(newId)).toMatchObject({ replayOf: dead });
  });

  it('that is discarded ends its hold: the next messages go', async () => {
    await using site = await installHolding();
    const [dead, , third] = await withHeld(site);
    expect(await site.deadLetters.discard({ ids: [dead] })).toEqual({ matched: 1, done: 1, skipped: [] });
    await site.until(third, 'delivered');
    expect(textsOf(site)).toEqual(['message 2', 'message 3']);
    expect(await holdsOf(site)).toEqual([]);
  });

  it('that held its conversation before does nothing to the hold of a later one', async () => {
    await using site = await installHolding();
    const [dead] = await withHeld(site);
    await site.release(target);
    await eventually('the conversation is empty', async () => (await site.status()).queued === 0);
    const again = await site.enqueue(textMessage('c1', 1));
    await site.until(again, 'dead');
    expect(await holdsOf(site)).toMatchObject([{ letter: again }]);
    await site.deadLetters.discard({ ids: [dead] });
    expect(await holdsOf(site)).toMatchObject([{ letter: again }]);
  });

  it('is noted by a hold of an operator, which stays when it is sent again, and goes to the front all the same', async () => {
    await using site = await installHolding({ api: { latencyMs: 300 } });
    const ids: string[] = [];
    for (const n of [1, 2, 3]) ids.push(await site.enqueue(textMessage('c1', n)));
    const [dead = '', , third = ''] = ids;
    await site.until(dead, 'sending');
    await site.hold(target);
    await site.until(dead, 'dead');
    expect(await holdsOf(site)).toMatchObject([{ reason: 'operator', letter: dead }]);
    site.api.setFaults([]);
    await site.deadLetters.replay({ ids: [dead] });
    expect(await holdsOf(site)).toEqual([{ scope: 'conversation', ...target, reason: 'operator' }]);
    await site.release(target);
    await site.until(third, 'delivered');
    expect(textsOf(site)).toEqual(['message 1', 'message 2', 'message 3']);
  });

  it('that expired holds its conversation, too, and can be forced to the front', async () => {
    await using site = await installHolding({ startWorker: false });
    const dead = await site.enqueue({ ...textMessage('c1', 2), ttlMs: 1 });
    const next = await site.enqueue(textMessage('c1', 3));
    site.startWorker();
    await site.until(dead, 'dead');
    expect(await site.until(next, 'held')).toMatchObject({ status: 'held' });
    await site.deadLetters.replay({ ids: [dead], force: true });
    await site.until(next, 'delivered');
    expect(textsOf(site)).toEqual(['message 2', 'message 3']);
  });

  it('of a message that kills its workers, or that nobody can read, holds its conversation', async () => {
    await using site = await installHolding({ startWorker: false });
    const lanes = await openLanes(used.redis, site.config.namespace);
    const { root } = lanes.shard;
    const crashed = await site.enqueue(textMessage('c1', 2));
    const unreadable = await site.enqueue(textMessage('c2', 2));
    await site.enqueue(textMessage('c1', 3));
    await used.redis.hset(`${root}send:${unreadable}`, 'data', '{"v":99}');
    const taken = await lanes.take();
    expect(taken).toMatchObject({ id: crashed });
    // As if it had been found open often.
    await used.redis.hset(`${root}send:${crashed}`, 'crashes', 100);
    await lanes.stall({ id: crashed });
    site.startWorker();
    for (const id of [crashed, unreadable]) await site.until(id, 'dead');
    const hold = { scope: 'conversation', page: 'p1', reason: 'dead-letter' };
    expect(await holdsOf(site)).toEqual([
      { ...hold, conversation: 'c1', letter: crashed },
      { ...hold, conversation: 'c2', letter: unreadable },
    ]);
    expect(await site.status()).toMatchObject({ held: 1, queued: 0, dead: 2 });
    expect((await site.deadLetters.get(crashed))?.reason).toBe('crashed');
  });

  it('of which retention takes the content leaves the hold for an operator to end', async () => {
    await using site = await installHolding();
    const [dead, second] = await withHeld(site);
    const shard = shardOn(used.redis, site.config.namespace ?? '', 0);
    expect(await expireLetters(shard, { keepDeadMs: 0, atMost: 10, cursor: '0' })).toMatchObject({ removed: 1 });
    expect(await site.deadLetters.get(dead)).toBeNull();
    expect(await holdsOf(site)).toEqual([{ scope: 'conversation', ...target, reason: 'dead-letter' }]);
    await site.release(target);
    await site.until(second, 'delivered');
  });

  it('holds nothing without it', async () => {
    await using site = await installHolding({ config: { onDeadLetter: 'continue' } });
    const [dead, , third] = await withHeld(site);
    await site.until(third, 'delivered');
    expect(await holdsOf(site)).toEqual([]);
    expect(await site.deadLetters.get(dead)).not.toBeNull();
  });
});
