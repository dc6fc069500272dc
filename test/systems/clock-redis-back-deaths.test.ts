import type { Settings } from '../support/settings.ts';
import { describe, expect, it, vi } from 'vitest';
import type { CommandProcess } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { BUSY_MS, expectAccepted } from '../support/expect-deliveries.ts';
import { textMessage } from '../support/messages.ts';
import { isIdOf } from '../support/open-requests.ts';
import { installOnSteppingRedis, type SteppingSite, TEN_MINUTES_MS } from '../support/stepping-site.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

vi.setConfig({ maxConcurrency: 2 });

/** The lock lasts 5 s with this, and is looked at every 2.5 s. */
const TIMEOUT_MS = 2500;
/** One lock and two looks. */
const COMES_BACK_MS = 10_000;
/** After this a worker that isn't heard of is no longer listed. */
const SILENCE_MS = 10_000;
/** So long it takes at most until a worker that lives has noticed the step. */
const BEAT_MS = 7500;

interface Site extends SteppingSite {
  /** Starts a worker in a process of its own, to be killed. */
  startProcess(): Promise<CommandProcess>;
  /** Kills a worker, and steps the clock of Redis ten minutes back before anybody could notice. */
  killAndStepBack(worker: CommandProcess): Promise<void>;
}

async function installWithProcesses(more: Settings = {}): Promise<Site> {
  const stack = new AsyncDisposableStack();
  const site = stack.use(
    await installOnSteppingRedis({ startWorker: false, config: { timeoutMs: TIMEOUT_MS, ...more } }),
  );
  return {
    ...site,
    startProcess: async () => stack.use(await startWorkerProcess(site.config)),
    async killAndStepBack(worker) {
      worker.kill('SIGKILL');
      await site.stepClock(-TEN_MINUTES_MS);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describe.concurrent('when a worker is killed and the clock of Redis steps ten minutes back right then', () => {
  it('its messages come back within the usual time', async () => {
    await using site = await installWithProcesses();
    site.api.setFaults([{ kind: 'hang', match: { pageId: 'struck' } }]);
    const killed = await site.startProcess();
    const ids = await Promise.all(['c1', 'c2', 'c3'].map((c) => site.enqueue(textMessage(c, 1, 'struck'))));
    await eventually('the API holds its requests', () => site.api.report().requests >= 3);
    await site.killAndStepBack(killed);
    site.api.setFaults([]);
    site.startWorker();
    await expectAccepted(site, 3, COMES_BACK_MS);
    for (const id of ids) {
      const { attempts } = await site.until(id, 'delivered');
      expect(new Set(attempts.map(({ outcome }) => outcome))).toEqual(new Set(['unknown', 'delivered']));
    }
  });

  it('another one that is there takes them over', async () => {
    await using site = await installWithProcesses({ concurrency: 10, pageParallelism: 20 });
    site.api.setFaults([{ kind: 'hang', match: { pageId: 'struck' } }]);
    const killed = await site.startProcess();
    const other = site.startWorker();
    await eventually('the other one is ready', () => other.health().phase === 'taking');
    // More than one of them has places for.
    const messages = Array.from({ length: 18 }, (_, c) => textMessage(`c${c}`, 1, 'struck'));
    await site.producer.enqueueMessages(messages);
    await eventually('the API holds their requests', () => site.api.report().requests >= messages.length);
    await site.killAndStepBack(killed);
    site.api.setFaults([]);
    await expectAccepted(site, messages.length, COMES_BACK_MS);
  });

  it('what the fleet does at intervals is done by another one, whichever of them did it', async () => {
    await using site = await installWithProcesses();
    let survivor = await site.startProcess();
    let accepted = 0;
    // One of the two deaths is that of the worker that did it for all.
    for (const nth of [1, 2]) {
      const next = await site.startProcess();
      await site.killAndStepBack(survivor);
      survivor = next;
      await site.enqueue({ ...textMessage('c1', nth), delayMs: 500 });
      accepted += 1;
      await expectAccepted(site, accepted, COMES_BACK_MS);
    }
  });

  it('it is listed for one beat longer than any dead worker, at most', async () => {
    await using site = await installWithProcesses();
    const killed = await site.startProcess();
    const other = site.startWorker();
    await eventually('the other one is ready', () => other.health().phase === 'taking');
    const isListed = async (): Promise<boolean> => (await site.status()).workers.some(({ id }) => isIdOf(killed, id));
    await eventually('it is listed', isListed);
    await site.killAndStepBack(killed);
    await eventually('it is forgotten', async () => !(await isListed()), SILENCE_MS + BEAT_MS + BUSY_MS);
    expect((await site.status()).workers).toHaveLength(1);
  });
});
