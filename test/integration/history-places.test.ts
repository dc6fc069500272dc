import { monotonicFactory } from 'ulid';
import { describe, expect, it } from 'vitest';
import type { MessageRecord } from '../../src/producer/index.ts';
import { messageId } from '../../src/shared/lanes/key-names.ts';
import { type HistoryDeps, readHistory } from '../../src/shared/reading/history.ts';
import { historyOn, listed } from '../support/history.ts';
import { textMessage } from '../support/messages.ts';
import { useLanes } from '../support/use-lanes.ts';
import { useRedis } from '../support/use-redis.ts';

const used = useRedis();
const c1 = { pageId: 'p1', conversationId: 'c1' };
const HOUR_MS = 3_600_000;
const ulid = monotonicFactory();

describe('history of one conversation among many messages', () => {
  const lanes = useLanes(used);
  const others = 2500;

  async function readRecords(more: Partial<HistoryDeps> = {}): Promise<MessageRecord[]> {
    const session: HistoryDeps['session'] = { read: async (_index, _deadline, ask) => await ask(lanes.shard) };
    const deps = historyOn({ namespace: lanes.shard.namespace }, session, null);
    return await listed(readHistory({ ...deps, ...more }, { ...c1, limit: 10_000 }));
  }

  const read = async (more?: Partial<HistoryDeps>): Promise<string[]> => (await readRecords(more)).map(({ id }) => id);

  it('finds its scheduled and ended messages wherever they are, also if all have the same time', async () => {
    const pipeline = lanes.redis.pipeline();
    const atMs = Date.now() + HOUR_MS;
    for (let n = 0; n < others; n += 1) {
      const [ended, later] = [`old-${n}`, `later-${n}`];
      pipeline.hset(`${lanes.sendRoot}${ended}`, 'lane', 'p1/c2', 'place', 'ended', 'why', 'delivered');
      pipeline.zadd(`${lanes.sendRoot}completed`, atMs, ended);
      pipeline.hset(`${lanes.sendRoot}${later}`, 'lane', 'p1/c11', 'place', 'scheduled', 'due', atMs);
      pipeline.zadd(`${lanes.shard.root}due`, atMs, `${String(n).padStart(16, '0')}:${later}`);
    }
    await pipeline.exec();
    const ids: string[] = [];
    for (let n = 0; n < 6; n += 1) ids.push(await lanes.store({ conversation: 'c1', due: { atMs } }));
    const [first = '', second = '', ...rest] = ids;
    await lanes.redis.zrem(`${lanes.shard.root}due`, `${'1'.padStart(16, '0')}:${first}`);
    for (const id of [first, second]) {
      await lanes.redis.hset(`${lanes.sendRoot}${id}`, 'place', 'ended', 'why', 'delivered', 'finishedOn', atMs);
      await lanes.redis.zadd(`${lanes.sendRoot}completed`, atMs, id);
    }
    expect(await read()).toEqual([...rest.toReversed(), second, first]);
    const cuts: string[] = [];
    const partial = { mostLookedAt: 1000, onCut: () => void cuts.push('cut'), onLedgerFailure: () => {} };
    expect((await read({ partial })).length).toBeLessThan(ids.length + 1);
    expect(cuts.length).toBeGreaterThan(0);
  });

  it('reads a lane of thousands in the order of storing', async () => {
    const ids = Array.from({ length: 2100 }, () => messageId(0, ulid()));
    const pipeline = lanes.redis.pipeline();
    for (const [n, id] of ids.entries()) {
      // In each millisecond a few.
      pipeline.hset(`${lanes.sendRoot}${id}`, 'lane', 'p1/c1', 'timestamp', Math.floor(n / 3), 'data', '{}');
      pipeline.rpush(`${lanes.shard.root}lane:p1/c1`, id);
    }
    await pipeline.exec();
    expect(await read()).toEqual(ids.toReversed());
  });

  it('shows nothing of other conversations, whatever others write into its lane and its sets', async () => {
    const other = await lanes.store({ conversation: 'c2', page: 'p2' });
    const own = await lanes.store({ conversation: 'c1' });
    const disguised = await lanes.store({ conversation: 'c1' });
    await lanes.redis.hset(`${lanes.sendRoot}${disguised}`, 'data', JSON.stringify({ ...textMessage('c2', 1, 'p2') }));
    await lanes.redis.rpush(`${lanes.shard.root}lane:p1/c1`, other, 'marker', 'x'.repeat(2000));
    await lanes.redis.zadd(`${lanes.sendRoot}completed`, 1, other, 2, 'x'.repeat(2000), 3, 'a:b:c');
    await lanes.redis.set(`${lanes.shard.root}due`, 'of another type');
    const records = await readRecords();
    expect(records.map(({ id, pageId, request }) => [id, pageId, request === null])).toEqual([
      [disguised, null, true],
      [own, 'p1', false],
    ]);
  });
});
