import { Queue } from 'bullmq';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DeadLetterFilter, type DeadLetters, openDeadLetters } from '../../src/dead-letters/index.ts';
import { expireLetters } from '../../src/shared/lanes/dead/dead-letters.ts';
import { shardOn } from '../../src/shared/lanes/shard.ts';
import { type DeadReason, deadReasons } from '../../src/shared/model/dead-letter.ts';
import { useRedis } from '../support/use-redis.ts';
import { type LetterToWrite, writeLetters } from '../support/written-letters.ts';

const START = Date.UTC(2026, 10, 22, 10);
/** Plain ids, and such as stand in keys only as a hash. */
const PAGES = ['p1', 'p2', 'page of Käthe/1'];
const CONVERSATIONS = ['c1', 'c2', 'c:3'];
const LABELS = [null, 'a', 'b'];

type Written = Required<Pick<LetterToWrite, 'pageId' | 'conversationId' | 'reason' | 'label' | 'deadAtMs'>> & {
  id: string;
};

const anyLetter = fc.record({
  pageId: fc.constantFrom(...PAGES),
  conversationId: fc.constantFrom(...CONVERSATIONS),
  reason: fc.constantFrom<DeadReason>('rejected', 'rejected', 'exhausted', 'expired'),
  label: fc.constantFrom(...LABELS),
  // Many died at the same moment.
  deadAtMs: fc.integer({ min: START, max: START + 5 }),
});
const someTime = fc.integer({ min: START - 1, max: START + 7 }).map((ms) => new Date(ms));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 });
const anyFilter: fc.Arbitrary<DeadLetterFilter> = fc.record({
  reason: maybe(fc.constantFrom<DeadReason>('rejected', 'exhausted', 'crashed')),
  pageId: maybe(fc.constantFrom(...PAGES, 'p9')),
  conversationId: maybe(fc.constantFrom(...CONVERSATIONS)),
  label: maybe(fc.constantFrom('a', 'b')),
  since: maybe(someTime),
  until: maybe(someTime),
});

function matching(letters: readonly Written[], { since, until, ...exactly }: DeadLetterFilter): Written[] {
  return letters
    .filter(({ deadAtMs }) => deadAtMs >= (since?.getTime() ?? 0) && deadAtMs < (until?.getTime() ?? Infinity))
    .filter((letter) =>
      (['reason', 'pageId', 'conversationId', 'label'] as const).every(
        (field) => exactly[field] === undefined || letter[field] === exactly[field],
      ),
    )
    .toSorted((one, other) => other.deadAtMs - one.deadAtMs || (one.id < other.id ? 1 : -1));
}

const idsOf = (letters: readonly { id: string }[]): string[] => letters.map(({ id }) => id);

describe('lists of dead letters', () => {
  let runs = 0;
  const used = useRedis();

  async function withLetters(
    letters: readonly Omit<Written, 'id'>[],
    shards: number,
    act: (deadLetters: DeadLetters, written: Written[], namespace: string) => Promise<void>,
  ): Promise<void> {
    const namespace = `list-${(runs += 1)}`;
    const ids = await writeLetters(used.redis, namespace, letters, shards);
    await using deadLetters = openDeadLetters({ redisUrl: used.url, namespace, shards });
    await act(
      deadLetters,
      letters.map((letter, n) => ({ ...letter, id: ids[n] ?? '' })),
      namespace,
    );
  }

  it('and counts and exports hold exactly what matches, in the order of their death, over any shards', async () => {
    const property = fc.asyncProperty(
      fc.array(anyLetter, { maxLength: 40 }),
      fc.array(anyFilter, { minLength: 4, maxLength: 4 }),
      fc.constantFrom(1, 3),
      async (letters, filters, shards) =>
        await withLetters(letters, shards, async (deadLetters, written) => {
          for (const filter of [{}, ...filters]) {
            const expected = idsOf(matching(written, filter));
            expect(idsOf(await deadLetters.list({ ...filter, limit: 1000 }))).toEqual(expected);
            expect(await deadLetters.count(filter)).toBe(expected.length);
            const exported: string[] = [];
            for await (const { id } of deadLetters.export(filter)) exported.push(id);
            expect(exported).toEqual(expected.toReversed());
          }
        }),
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it('read page by page show everything once, whatever goes away between two pages', async () => {
    const property = fc.asyncProperty(
      fc.array(anyLetter, { minLength: 1, maxLength: 40 }),
      anyFilter,
      fc.record({ limit: fc.integer({ min: 1, max: 7 }), shards: fc.constantFrom(1, 3) }),
      fc.array(fc.record({ n: fc.nat(100), how: fc.constantFrom('discard', 'remove', 'last') }), { maxLength: 20 }),
      async (letters, filter, { limit, shards }, losses) =>
        await withLetters(letters, shards, async (deadLetters, written, namespace) => {
          const expected = idsOf(matching(written, filter));
          const seen: string[] = [];
          const gone = new Set<string>();
          for (;;) {
            const last = seen.at(-1);
            const page = idsOf(await deadLetters.list({ ...filter, limit, after: last }));
            seen.push(...page);
            if (page.length < limit) break;
            const loss = losses.pop();
            const lost = loss?.how === 'last' ? seen.at(-1) : written[(loss?.n ?? 0) % written.length]?.id;
            if (!loss || lost === undefined) continue;
            gone.add(lost);
            if (loss.how === 'remove') await removeJob(namespace, lost);
            else await deadLetters.discard({ ids: [lost] });
          }
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen).toEqual(expected.filter((id) => seen.includes(id)));
          expect(expected.filter((id) => !seen.includes(id) && !gone.has(id))).toEqual([]);
        }),
    );
    await fc.assert(property, { numRuns: 40 });
  });

  /** What a dashboard does. */
  async function removeJob(namespace: string, id: string): Promise<void> {
    const shard = Number.parseInt(id, 36);
    const queue = new Queue('dead', { connection: used.redis, prefix: `{${namespace}:${shard}}` });
    await queue.remove(id);
    await queue.close();
  }

  /** What the leader does now and then. */
  async function clean(namespace: string): Promise<void> {
    const shard = shardOn(used.redis, namespace, 0);
    await expireLetters(shard, { keepDeadMs: Number.MAX_SAFE_INTEGER, atMost: 100, cursor: '0' });
  }

  it('leave out what others have removed, and change nothing: the leader takes it out of the indexes', async () => {
    const letters = ['p1', 'p1', 'p2'].map((pageId): Omit<Written, 'id'> => ({
      pageId,
      conversationId: 'c1',
      reason: 'rejected',
      label: null,
      deadAtMs: START,
    }));
    await withLetters(letters, 1, async (deadLetters, [first, second, third], namespace) => {
      await removeJob(namespace, first?.id ?? '');
      expect(idsOf(await deadLetters.list({ pageId: 'p1' }))).toEqual([second?.id]);
      expect(idsOf(await deadLetters.list({ reason: 'rejected' }))).toEqual([third?.id, second?.id]);
      await clean(namespace);
      expect(await deadLetters.counts()).toMatchObject({ total: 2, byReason: { rejected: 2 } });
      expect((await deadLetters.counts()).byPage).toHaveLength(2);
      await removeJob(namespace, third?.id ?? '');
      expect(await deadLetters.list({ pageId: 'p2' })).toEqual([]);
      await clean(namespace);
      expect((await deadLetters.counts()).byPage).toEqual([{ pageId: 'p1', count: 1 }]);
    });
  });

  it('are counted by reason and by page, the pages with most first, and by their ids whatever these are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyLetter, { maxLength: 40 }), fc.constantFrom(1, 3), async (letters, shards) => {
        await withLetters(letters, shards, async (deadLetters) => {
          const { total, byReason, byPage } = await deadLetters.counts();
          expect(total).toBe(letters.length);
          expect(byReason).toEqual(
            Object.fromEntries(deadReasons.map((is) => [is, letters.filter(({ reason }) => reason === is).length])),
          );
          const counts = PAGES.map((id) => [id, letters.filter(({ pageId }) => pageId === id).length] as const);
          const found = new Map(byPage.map(({ pageId, count }) => [pageId, count]));
          expect(found).toEqual(new Map(counts.filter(([, count]) => count > 0)));
          expect(byPage.map(({ count }) => count)).toEqual([...found.values()].toSorted((one, other) => other - one));
        });
      }),
      { numRuns: 20 },
    );
  });

  it('find the entries of a page that can not be read any more', async () => {
    const namespace = 'unreadable';
    const odd = 'page of Käthe/1';
    const letter = { conversationId: 'c1', reason: 'undecodable', isReadable: false } as const;
    const [id] = await writeLetters(used.redis, namespace, [
      { ...letter, pageId: 'p1' },
      { ...letter, pageId: odd },
    ]);
    await using deadLetters = openDeadLetters({ redisUrl: used.url, namespace });
    expect(await deadLetters.list({ pageId: 'p1' })).toMatchObject([{ id, pageId: null, message: null }]);
    expect(new Set((await deadLetters.counts()).byPage.map(({ pageId }) => pageId))).toEqual(new Set(['p1', null]));
  });

  it('that are to go on after an entry that nobody knows any more say what to do', async () => {
    await using deadLetters = openDeadLetters({ redisUrl: used.url, namespace: 'unknown' });
    const [id = ''] = await writeLetters(used.redis, 'unknown', [
      { pageId: 'p1', conversationId: 'c1', deadAtMs: START },
    ]);
    await deadLetters.discard({ all: true });
    await expect(deadLetters.list({ after: id })).rejects.toMatchObject({ code: 'UNKNOWN_POSITION' });
    const deadAt = new Date(START).toISOString();
    expect(await deadLetters.list({ after: { id, deadAt } })).toEqual([]);
  });
});
