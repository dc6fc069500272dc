import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/testing/index.ts';
import { setStage } from './support/stage.ts';

const answering = (conversationId: string, status: number, body: unknown): Fault => ({
  kind: 'status',
  status,
  body,
  accept: false,
  match: { conversationId, nth: 1 },
});

describe('examples/custom-answers', () => {
  it('judges the answers of its gateway by itself, and leaves the others to the defaults', async () => {
    await using stage = await setStage({
      faults: [
        answering('taken', 409, { error: 'seen before' }),
        answering('busy', 200, { status: 'busy' }),
        answering('blocked', 200, { status: 'blocked' }),
        answering('quota', 200, { status: 'quota' }),
        answering('wrong', 400, { error: 'no such page' }),
      ],
    });
    const conversations = ['taken', 'busy', 'blocked', 'quota', 'wrong', 'fine'];
    const receipts = await stage.producer.enqueueMessages(
      conversations.map((conversationId) => ({
        // A quota holds the whole page.
        pageId: conversationId,
        conversationId,
        message: { type: 'text', text: 'Hello' },
      })),
    );
    const worker = stage.start('custom-answers/worker.ts');
    await worker.lineWhere('stderr', (line) => line === 'ready');

    const [taken, busy, blocked, quota, wrong, fine] = receipts.map(({ id }) => id);
    const outcomesOf = async (id = '', status: 'delivered' | 'dead'): Promise<unknown> =>
      (await stage.until(id, status)).attempts.map(({ outcome }) => outcome);
    expect(await outcomesOf(taken, 'delivered')).toEqual(['delivered']);
    expect(await outcomesOf(busy, 'delivered')).toEqual(['failed', 'delivered']);
    expect(await outcomesOf(blocked, 'dead')).toEqual(['rejected']);
    expect(await outcomesOf(quota, 'delivered')).toEqual(['held', 'delivered']);
    expect(await outcomesOf(wrong, 'dead')).toEqual(['rejected']);
    expect(await outcomesOf(fine, 'delivered')).toEqual(['delivered']);

    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
    expect(worker.stdout.map((line) => (JSON.parse(line) as { id: string }).id)).toContain(busy);
  });
});
