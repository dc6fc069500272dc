import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { answerOf, inBatches } from '../../../src/shared/lanes/in-batches.ts';
import type { Shard } from '../../../src/shared/queues.ts';

const [one, other] = [{ index: 0 }, { index: 1 }] as unknown as [Shard, Shard];
const AT_ONCE = 50;

interface Asked {
  shard: Shard;
  questions: readonly string[];
  answer(answers: string[]): void;
  fail(error: unknown): void;
}

/** Questions that are put together, and what the script was asked: nothing is answered by itself. */
function batches() {
  const asked: Asked[] = [];
  const ask = inBatches<string, string>((shard, questions) => {
    const { promise, resolve, reject } = Promise.withResolvers<string[]>();
    asked.push({ shard, questions, answer: resolve, fail: reject });
    return promise;
  });
  const questions = (): (readonly string[])[] => asked.map((each) => each.questions);
  return { ask, asked, questions };
}

describe('what is asked about several messages', () => {
  it('is asked together if it comes in one turn of the event loop, and each gets its own answer', async () => {
    const { ask, asked, questions } = batches();
    const answers = ['a', 'b', 'c'].map((question) => ask(one, question));
    expect(questions()).toEqual([]);
    await setImmediate();
    expect(questions()).toEqual([['a', 'b', 'c']]);
    asked[0]?.answer(['to a', 'to b', 'to c']);
    expect(await Promise.all(answers)).toEqual(['to a', 'to b', 'to c']);
  });

  it('is asked together with what others add in the same turn, after they have awaited something', async () => {
    const { ask, questions } = batches();
    void ask(one, 'a');
    await Promise.resolve();
    void ask(one, 'b');
    await setImmediate();
    expect(questions()).toEqual([['a', 'b']]);
  });

  it('is asked at once about a message alone, while others are still unanswered', async () => {
    const { ask, asked, questions } = batches();
    const first = ask(one, 'a');
    await setImmediate();
    const second = ask(one, 'b');
    await setImmediate();
    expect(questions()).toEqual([['a'], ['b']]);
    asked[1]?.answer(['to b']);
    expect(await second).toBe('to b');
    asked[0]?.answer(['to a']);
    expect(await first).toBe('to a');
  });

  it('is asked of each shard by itself', async () => {
    const { ask, asked } = batches();
    for (const shard of [one, other, one]) void ask(shard, `of ${shard.index}`);
    await setImmediate();
    expect(asked).toMatchObject([
      { shard: one, questions: ['of 0', 'of 0'] },
      { shard: other, questions: ['of 1'] },
    ]);
  });

  it('is asked in several scripts, in its order, if it is too much for one', async () => {
    const { ask, asked, questions } = batches();
    const all = Array.from({ length: 2 * AT_ONCE + 1 }, (_, n) => `q${n}`);
    const answers = all.map((question) => ask(one, question));
    await setImmediate();
    expect(questions().map(({ length }) => length)).toEqual([AT_ONCE, AT_ONCE, 1]);
    for (const { questions: some, answer } of asked.toReversed()) answer(some.map((question) => `to ${question}`));
    expect(await Promise.all(answers)).toEqual(all.map((question) => `to ${question}`));
  });

  it('fails for all if the script fails, and the next ones are asked again', async () => {
    const { ask, asked } = batches();
    const answers = [ask(one, 'a'), ask(one, 'b')];
    await setImmediate();
    asked[0]?.fail(new Error('no Redis'));
    for (const answer of await Promise.allSettled(answers)) {
      expect(answer).toMatchObject({ status: 'rejected', reason: { message: 'no Redis' } });
    }
    const again = ask(one, 'a');
    await setImmediate();
    asked[1]?.answer(['to a']);
    expect(await again).toBe('to a');
  });

  it.each([
    ['too few', ['to a']],
    ['none', []],
    ['too many', ['to a', 'to b', 'to c']],
  ])('fails for all if there are %s answers: which one belongs to whom is not known', async (_how, replies) => {
    const { ask, asked } = batches();
    const answers = [ask(one, 'a'), ask(one, 'b')];
    await setImmediate();
    asked[0]?.answer(replies);
    for (const answer of answers) await expect(answer).rejects.toThrow('did not answer for each message');
  });
});

describe('the answer about one message', () => {
  it('is given as it is', () => {
    expect(answerOf(['go', '1', ''])).toEqual(['go', '1', '']);
  });

  it('is thrown as an error of Redis if it was refused', () => {
    const refused = ['error', 'WRONGTYPE Operation against a key'] as const;
    expect(() => answerOf(refused)).toThrow('WRONGTYPE Operation against a key');
    expect(() => answerOf(refused)).toThrow(expect.objectContaining({ name: 'ReplyError' }));
  });
});
