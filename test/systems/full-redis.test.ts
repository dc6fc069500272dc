import { expect, it } from 'vitest';
import { createLogger } from '../../src/shared/logger.ts';
import type { WorkerHooks } from '../../src/worker/index.ts';
import { installWithCli } from '../support/cli-installation.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { settled } from '../support/settled.ts';

const MAXMEMORY = '6mb';
const CONVERSATIONS = 400;
/** In a minute; the test takes a part of that. */
const MOST_LINES = 20;

/** A logger that keeps the warnings and errors that are not about one message. */
function warnings(): { hooks: WorkerHooks; lines: string[] } {
  const lines: string[] = [];
  const write = (line: string): void => void (line.includes('"outcome"') || lines.push(line));
  return { hooks: { logger: createLogger({ level: 'warn', destination: { write } }) }, lines };
}

it('a Redis that a producer has filled to the last byte is empty again, in order, without more memory', async () => {
  await using server = await startTestRedis({ args: ['--maxmemory', MAXMEMORY] });
  await using site = await installWithCli(server, {
    config: { timeoutMs: 1000, refusalsToHold: 0, redisFullAt: 1 },
    api: {
      faults: [
        { kind: 'status', status: 400, rate: 0.1 },
        { kind: 'hang', times: 2, rate: 0.01 },
        { kind: 'status', status: 429, retryAfter: 0, rate: 0.01 },
      ],
    },
    startWorker: false,
  });
  const [first, second] = [warnings(), warnings()];
  site.startWorker(first.hooks);
  expect(await site.cli('hold', '--all')).toMatchObject({ exitCode: 0 });

  const padding = 'x'.repeat(300);
  let stored = 0;
  for (let refused = 0; refused < 100;) {
    const conversation = stored % CONVERSATIONS;
    const text = `message ${1 + Math.floor(stored / CONVERSATIONS)} ${padding}`;
    const { value, error } = await settled(
      site.enqueue({
        ...textMessage(`c${conversation}`, 1, `p${conversation % 5}`),
        message: { type: 'text', text },
        onUnknownOutcome: 'dead-letter',
      }),
    );
    if (value) stored += 1;
    else refused += 1;
    if (error) expect(error).toMatchObject({ code: 'QUEUE_FULL', cause: { code: 'OOM' } });
  }

  expect(await site.cli('release', '--all')).toMatchObject({ exitCode: 0 });
  site.startWorker(second.hooks);
  let dead = 0;
  await eventually('all have ended', async () => {
    dead = await site.deadLetters.count();
    return site.api.accepted.length + dead >= stored;
  });
  expect(dead).toBeGreaterThan(10);
  expect(site.api.report()).toMatchObject({
    duplicates: { count: 0 },
    outOfOrder: { count: 0 },
    overlaps: { count: 0 },
  });
  expect(first.lines.length).toBeLessThanOrEqual(MOST_LINES);
  expect(second.lines.length).toBeLessThanOrEqual(MOST_LINES);
});
