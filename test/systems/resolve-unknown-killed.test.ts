import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Resolution, UnknownOutcome } from '../../src/worker/index.ts';
import { startCommand } from '../support/command-line.ts';
import { faults, points } from '../support/stopped-worker-cases.ts';
import { environmentOf, setScene, type Scene, type SceneOptions, untilEnded } from '../support/stopped-worker.ts';
import { useFolder } from '../support/use-folder.ts';
import { useRedis } from '../support/use-redis.ts';

// Each kill costs some seconds until the lock has ended: they wait at the same time.
vi.setConfig({ testTimeout: 180_000, maxConcurrency: 5 });

const DIED = 'the worker died while the request was open';

interface Case {
  policy?: 'dead-letter';
  says: Resolution;
  takes: 'ignoresOnce' | 'swallowsOnce';
  attempts: [outcome: string, detail: string | null][];
  requests: number;
  reason?: 'unknown-outcome';
}

const cases: Record<string, Case> = {
  'found delivered before it is sent again: it is sent once': {
    says: 'delivered',
    takes: 'swallowsOnce',
    attempts: [
      ['unknown', DIED],
      ['delivered', 'resolveUnknown: delivered, nothing was sent'],
    ],
    requests: 1,
  },
  'found delivered under dead-letter: it is no dead letter': {
    policy: 'dead-letter',
    says: 'delivered',
    takes: 'swallowsOnce',
    attempts: [['unknown', `${DIED}; resolveUnknown: delivered`]],
    requests: 1,
  },
  'found not sent under dead-letter: it is sent again': {
    policy: 'dead-letter',
    says: 'not-sent',
    takes: 'ignoresOnce',
    attempts: [
      ['unknown', `${DIED}; resolveUnknown: not-sent`],
      ['delivered', null],
    ],
    requests: 2,
  },
  'unknown to the hook, too, under dead-letter: it dies': {
    policy: 'dead-letter',
    says: 'unknown',
    takes: 'swallowsOnce',
    attempts: [['unknown', DIED]],
    requests: 1,
    reason: 'unknown-outcome',
  },
};

describe.concurrent('the message of a killed worker', () => {
  const used = useRedis();
  const folder = useFolder();

  const set = async (options: SceneOptions): Promise<Scene> => await setScene(used, options);

  it.each(Object.entries(cases))('%s', async (_what, { policy, says, takes, attempts, requests, reason }) => {
    const config = policy ? { onUnknownOutcome: policy } : {};
    await using scene = await set({ fault: faults[takes], config });
    const asked: UnknownOutcome[] = [];
    const before = new Date().toISOString();
    await scene.stopWorker(points.sending, 'SIGKILL');
    const killed = new Date().toISOString();
    scene.startWorker({
      resolveUnknown(unknown) {
        asked.push(unknown);
        return says;
      },
    });
    const records = await untilEnded(scene, scene.ids);
    const target = records.find(({ id }) => id === scene.target);
    expect(target?.attempts.map(({ outcome, detail }) => [outcome, detail])).toEqual(attempts);
    expect(target).toMatchObject(reason ? { status: 'dead', reason } : { status: 'delivered' });
    expect(scene.requestsForTarget()).toHaveLength(requests);
    expect(await scene.deadLetters.count()).toBe(reason ? 1 : 0);
    expect(asked).toMatchObject([{ request: { id: scene.target } }]);
    // The hook looks for the request from the time when it left, not from the time when it was found.
    const since = asked[0]?.since ?? '';
    expect(since > before && since < killed).toBe(true);
    expect(scene.api.report()).toMatchObject({ duplicates: { count: 0 }, outOfOrder: { count: 0 } });
  });

  it('dies although the hook kills workers, too: the hook is asked once after the last crash', async () => {
    await using scene = await set({ fault: faults.swallowsOnce });
    await scene.stopWorker(points.sending, 'SIGKILL');
    // Four other workers have died of it.
    await used.redis.hset(`{${scene.config.namespace}:0}:send:${scene.target}`, 'crashes', 4);
    const hooks = join(folder, 'deadly.mjs');
    writeFileSync(hooks, `export const resolveUnknown = () => process.kill(process.pid, 'SIGKILL');`);
    const start = () => startCommand(['worker', '--hooks', hooks], environmentOf(scene.config));
    await using first = start();
    expect(await first.ended()).toBe('SIGKILL');
    await using _second = start();
    const records = await untilEnded(scene, scene.ids);
    expect(records.find(({ id }) => id === scene.target)).toMatchObject({
      status: 'dead',
      reason: 'crashed',
      attempts: [{ outcome: 'unknown', detail: DIED }],
    });
  });
});
