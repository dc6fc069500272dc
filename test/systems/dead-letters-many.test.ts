import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openDeadLetters } from '../../src/dead-letters/index.ts';
import { useRedis } from '../support/use-redis.ts';
import { type LetterToWrite, writeLetters } from '../support/written-letters.ts';

const START = Date.UTC(2026, 10, 22, 10);
const MANY = 100_000;
const script = new URL('../support/reading-process.ts', import.meta.url).pathname;

describe('very many dead letters', () => {
  const used = useRedis();

  it('are listed, searched and exported whole in a heap of 64 MB', { timeout: 180_000 }, async () => {
    const text = 'x'.repeat(1000);
    const letters = Array.from({ length: MANY }, (_, n): LetterToWrite => ({
      pageId: `p${n % 7}`,
      conversationId: `c${n % 1000}`,
      reason: n % 3 === 0 ? 'exhausted' : 'rejected',
      label: n % 1000 === 500 ? 'rare' : null,
      text,
      // Thousands died at the same moment.
      deadAtMs: START + Math.floor(n / 3000),
    }));
    await writeLetters(used.redis, 'many', letters);
    // Without a bound V8 lets garbage lie as long as there is memory. With one, what must be kept would break it.
    const options = ['--max-old-space-size=64', '--max-semi-space-size=4'];
    const { stdout } = await promisify(execFile)(process.execPath, [...options, script, used.url, 'many']);
    const { grownBytes, ...found } = JSON.parse(stdout) as Record<string, number>;
    const counted = letters.filter(({ reason, pageId }) => reason === 'exhausted' && pageId === 'p1').length;
    expect(found).toEqual({ listed: MANY, rare: 100, counted, exported: MANY });
    expect(grownBytes).toBeLessThan(50_000_000);
  });

  it('are sent again at the rate that was asked for', async () => {
    const letters = Array.from({ length: 2000 }, (_, n): LetterToWrite => ({
      pageId: 'p1',
      conversationId: `c${n % 500}`,
    }));
    await writeLetters(used.redis, 'paced', letters);
    await using deadLetters = openDeadLetters({ redisUrl: used.url, namespace: 'paced' });
    await deadLetters.count();
    const startedAt = performance.now();
    const { done } = await deadLetters.replay({ all: true, rate: '200/s' });
    const ratio = done / ((performance.now() - startedAt) / 1000) / 200;
    expect(done).toBe(2000);
    expect(ratio).toBeGreaterThan(0.95);
    expect(ratio).toBeLessThanOrEqual(1);
  });
});
