import { describe, expect, it } from 'vitest';
import type { MessageRecord, OutcomeKind } from '../../src/producer/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { CUT, type RedisProxy, startRedisProxy } from '../support/redis-proxy.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation, type InstallationOptions } from '../support/worker.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

/** The lock lasts 5 s with this, and is looked at every 2.5 s. */
const TIMEOUT_MS = 2500;
/** The API takes the first request at once, and answers after so long. */
const LATENCY_MS = 1000;
/** One lock and two looks, and what a busy machine may add. */
const TAKEN_OVER_MS = 20_000;

const used = useRedis();

async function installSlowOnce(options: InstallationOptions = {}): Promise<Installation> {
  return await install(used, {
    startWorker: false,
    config: { timeoutMs: TIMEOUT_MS, ...options.config },
    api: { faults: [{ kind: 'latency', ms: LATENCY_MS, times: 1 }] },
  });
}

/** Waits until a worker has sent the first request. */
async function untilHeld({ api }: Installation): Promise<void> {
  await eventually('the API holds the request', () => api.report().accepted >= 1);
}

async function untilEndedAs(
  { producer }: Installation,
  id: string,
  status: MessageRecord['status'],
): Promise<MessageRecord> {
  const look = async (): Promise<MessageRecord | false> => {
    const record = await producer.getMessage(id);
    return record?.status === status && record;
  };
  return await eventually(`the message is ${status}`, look, TAKEN_OVER_MS);
}

function outcomesOf({ attempts }: MessageRecord): OutcomeKind[] {
  return attempts.map(({ outcome }) => outcome).toSorted();
}

/** A worker whose way to Redis is cut while the API holds its request, and that gets its answer all the same. */
async function answeredWhileCutOff(site: Installation, proxy: RedisProxy): Promise<string> {
  const cutOff = site.startWorker({ redisUrl: proxy.url });
  await eventually('it is ready', () => cutOff.health().phase === 'taking');
  const id = await site.enqueue(textMessage('c1', 1));
  await untilHeld(site);
  proxy.requests = () => CUT;
  proxy.replies = () => CUT;
  await eventually('it has its answer', () => typeof site.api.accepted[0]?.answeredAt === 'number');
  site.startWorker();
  return id;
}

function letThrough(proxy: RedisProxy): void {
  proxy.requests = () => 'pass';
  proxy.replies = () => 'pass';
}

describe.concurrent('an answer that a worker could not tell before another one had carried out the policy', () => {
  it('is added to the history of what was sent again, and settles nothing', async () => {
    await using proxy = await startRedisProxy(used.server.port);
    await using site = await installSlowOnce();
    const id = await answeredWhileCutOff(site, proxy);
    const before = await untilEndedAs(site, id, 'delivered');
    expect(outcomesOf(before)).toEqual(['delivered', 'unknown']);

    letThrough(proxy);
    const after = await eventually('the late answer is in the history', async () => {
      const record = await site.producer.getMessage(id);
      return record && record.attempts.length > before.attempts.length && record;
    });
    expect(outcomesOf(after)).toEqual(['delivered', 'delivered', 'unknown']);
    expect(after).toMatchObject({ status: 'delivered', attemptsUsed: 'attemptsUsed' in before && before.attemptsUsed });
    // The second message of the conversation goes once, and after all that.
    await untilEndedAs(site, await site.enqueue(textMessage('c1', 2)), 'delivered');
    expect(site.api.report()).toMatchObject({ requests: 3, duplicates: { count: 1 }, outOfOrder: { count: 0 } });
  });

  it('leaves a dead letter as it is, and adds no second one', async () => {
    await using proxy = await startRedisProxy(used.server.port);
    await using site = await installSlowOnce({ config: { onUnknownOutcome: 'dead-letter' } });
    const id = await answeredWhileCutOff(site, proxy);
    expect(await untilEndedAs(site, id, 'dead')).toMatchObject({ reason: 'unknown-outcome' });

    letThrough(proxy);
    await eventually('both workers have told of their attempts', () => {
      return site.attempts.filter((attempt) => attempt.id === id).length >= 2;
    });
    await untilEndedAs(site, await site.enqueue(textMessage('c1', 2)), 'delivered');
    expect(await site.producer.getMessage(id)).toMatchObject({ status: 'dead', reason: 'unknown-outcome' });
    expect(await site.deadLetters.count()).toBe(1);
    expect(site.api.report()).toMatchObject({ requests: 2, duplicates: { count: 0 } });
  });

  it('settles nothing either when the worker itself stood still (SIGSTOP), and its record shows both attempts', async () => {
    await using site = await installSlowOnce();
    await using frozen = await startWorkerProcess(site.config);
    const id = await site.enqueue(textMessage('c1', 1));
    await untilHeld(site);
    frozen.kill('SIGSTOP');
    const other = site.startWorker();
    await untilEndedAs(site, id, 'delivered');
    await other.close();

    frozen.kill('SIGCONT');
    await frozen.lineWhere('stdout', (line) => line.includes(`"${id}"`) && line.includes('"msg":"attempt"'));
    await untilEndedAs(site, await site.enqueue(textMessage('c1', 2)), 'delivered');
    frozen.kill('SIGTERM');
    expect(await frozen.ended()).toBe(0);
    const record = await untilEndedAs(site, id, 'delivered');
    // What the frozen worker says is `delivered`, or that no answer came in time: it finds both when it wakes.
    expect(new Set(outcomesOf(record))).toEqual(new Set(['delivered', 'unknown']));
    expect(await site.deadLetters.count()).toBe(0);
    expect(site.api.report()).toMatchObject({ requests: 3, duplicates: { count: 1 }, outOfOrder: { count: 0 } });
  });
});
