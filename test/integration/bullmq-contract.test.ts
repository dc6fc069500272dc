import { Worker, type WorkerOptions } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type BackendCall, type FakeMoves, jobJson, NO_JOB, recordedBackend } from '../support/recorded-backend.ts';
import { afterMs } from '../support/settled.ts';
import { useRedis } from '../support/use-redis.ts';

/**
 * BullMQ's worker runs on our backend: its loop, its locks and its check for stalled jobs are BullMQ's, and our scripts move the jobs.
 * Here stands, without our scripts, what the backend takes for granted of the worker. It runs on every upgrade.
 */
describe("BullMQ's worker, on a backend that is given to it", () => {
  const used = useRedis();

  interface Run extends AsyncDisposable {
    worker: Worker<unknown, unknown>;
    calls: BackendCall[];
    callsOf(method: string): unknown[][];
    errors: string[];
  }

  /** A worker that runs until it is disposed of. */
  function run(process: (id: string) => unknown, moves: FakeMoves, options: Partial<WorkerOptions> = {}): Run {
    const { factory, calls } = recordedBackend({
      waitForJob: () => afterMs(5, { member: '0', score: 0 }),
      ...moves,
    });
    const all = { connection: used.redis, prefix: '{contract:0}', autorun: false, drainDelay: 7, ...options };
    const worker = new Worker<unknown, unknown>('send', async ({ id = '' }) => await process(id), all, factory);
    const errors: string[] = [];
    worker.on('error', ({ message }) => errors.push(message));
    const running = worker.run();
    return {
      worker,
      calls,
      errors,
      callsOf: (method) => calls.filter((call) => call.method === method).map(({ args }) => args),
      async [Symbol.asyncDispose]() {
        await worker.close();
        await running;
      },
    };
  }

  /** Hands out these jobs, one at each call, then none. */
  function handOut(...ids: string[]): FakeMoves['moveToActive'] {
    const left = [...ids];
    return () => {
      const id = left.shift();
      return Promise.resolve(id === undefined ? NO_JOB : [jobJson(id), id, 0, 0]);
    };
  }

  const done = (next?: unknown) => Promise.resolve({ result: next, finishedOn: 1 });

  it('takes, settles and waits through it, and moves no job in any other way', async () => {
    const processed: string[] = [];
    const site = run((id) => processed.push(id), {
      moveToActive: handOut('a', 'b', 'c'),
      moveToCompleted: () => done(),
    });
    await eventually('all are processed', () => processed.length === 3);
    await eventually('it waits', () => site.callsOf('waitForJob').length > 0);
    await site[Symbol.asyncDispose]();
    expect(processed).toEqual(['a', 'b', 'c']);
    expect(new Set(site.calls.map(({ method }) => method))).toEqual(
      new Set(['moveToActive', 'moveToCompleted', 'waitForJob', 'moveStalledJobsToWait', 'disconnectBlocking']),
    );
    expect(site.errors).toEqual([]);
  });

  it('gives each of them what the backend reads', async () => {
    await using site = run(() => 'what the processor returned', {
      moveToActive: handOut('a'),
      moveToCompleted: () => done(),
    });
    await eventually('it is settled', () => site.callsOf('moveToCompleted').length === 1);
    const [token, name] = site.callsOf('moveToActive')[0] ?? [];
    expect([token, name]).toEqual([expect.any(String), undefined]);
    const [job, returned, keep, settledWith, wantsNext] = site.callsOf('moveToCompleted')[0] ?? [];
    expect(job).toMatchObject({ id: 'a' });
    expect([returned, keep, settledWith, wantsNext]).toEqual(['what the processor returned', undefined, token, true]);
    await eventually('it waits', () => site.callsOf('waitForJob').length > 0);
    expect(site.callsOf('waitForJob')[0]).toEqual([7]);
    expect(site.callsOf('moveStalledJobsToWait')[0]).toEqual([]);
  });

  it('asks for one job after the other, as many as it has places for, while those it has are under way', async () => {
    const asked: PromiseWithResolvers<unknown>[] = [];
    const processed: string[] = [];
    const goOn = Promise.withResolvers<void>();
    const moveToActive = (): Promise<unknown> => {
      const answer = Promise.withResolvers<unknown>();
      asked.push(answer);
      return answer.promise;
    };
    await using site = run(
      async (id) => {
        processed.push(id);
        await goOn.promise;
      },
      { moveToActive, moveToCompleted: () => done() },
      { concurrency: 3 },
    );
    const { worker } = site;
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      await eventually('it asks', () => asked.length === index + 1);
      await afterMs(20);
      expect(asked).toHaveLength(index + 1);
      asked[index]?.resolve([jobJson(id), id, 0, 0]);
    }
    await eventually('all are under way', () => processed.length === 3);
    expect(asked).toHaveLength(3);
    worker.concurrency = 4;
    goOn.resolve();
    await eventually('it asks again', () => asked.length > 3);
    for (const { resolve } of asked) resolve(NO_JOB);
    void worker.close();
    for (let n = 4; n < asked.length; n += 1) asked[n]?.resolve(NO_JOB);
  });

  it('processes the job that comes with the answer to a settlement, without asking for one', async () => {
    const processed: string[] = [];
    await using site = run((id) => processed.push(id), {
      moveToActive: handOut('a'),
      moveToCompleted: ({ id }) => done(id === 'a' ? [jobJson('b'), 'b', 0, 0] : undefined),
    });
    await eventually('both are processed', () => processed.length === 2);
    expect(processed).toEqual(['a', 'b']);
    const before = site.calls.findIndex(({ args: [job] }) => (job as { id?: string } | undefined)?.id === 'b');
    expect(site.calls.slice(0, before).filter(({ method }) => method === 'moveToActive')).toHaveLength(1);
  });

  it('asks again as soon as it was told that there may be a job', async () => {
    const call = Promise.withResolvers<unknown>();
    let waits = 0;
    const processed: string[] = [];
    let jobs: string[] = [];
    await using site = run((id) => processed.push(id), {
      moveToActive: () => {
        const id = jobs.shift();
        return Promise.resolve(id === undefined ? NO_JOB : [jobJson(id), id, 0, 0]);
      },
      moveToCompleted: () => done(),
      waitForJob: () => {
        waits += 1;
        return waits === 1 ? call.promise : afterMs(5, { member: '0', score: 0 });
      },
    });
    await eventually('it waits', () => waits === 1);
    jobs = ['a'];
    call.resolve({ member: '0', score: 0 });
    await eventually('the job is processed', () => processed.length === 1);
    expect(site.callsOf('moveToActive').length).toBeGreaterThan(1);
  });

  it('tells the backend of a processor that threw, and does nothing else with its job', async () => {
    const site = run(
      () => {
        throw new Error('a fault of ours');
      },
      { moveToActive: handOut('a'), moveToCompleted: () => done(), moveToFailed: () => done() },
    );
    await eventually('it is told', () => site.callsOf('moveToFailed').length === 1);
    await site[Symbol.asyncDispose]();
    const [job, reason] = site.callsOf('moveToFailed')[0] ?? [];
    expect([job, reason]).toEqual([expect.objectContaining({ id: 'a' }), 'a fault of ours']);
    expect(site.callsOf('moveToCompleted')).toEqual([]);
    expect(site.calls.filter(({ method }) => /Delayed|retry|ActiveToWait/.test(method))).toEqual([]);
  });

  it('renews the locks of the jobs under way, by their ids and for the whole lock', async () => {
    const goOn = Promise.withResolvers<void>();
    const { promise } = goOn;
    await used.redis.set('{contract:0}:send:a:lock', 'theirs');
    await using site = run(
      () => promise,
      { moveToActive: handOut('a'), moveToCompleted: () => done() },
      {
        lockDuration: 200,
      },
    );
    const lost: string[][] = [];
    site.worker.on('lockRenewalFailed', (ids) => lost.push(ids));
    await eventually('locks are renewed', () => site.callsOf('extendLocks').length > 1);
    expect(site.callsOf('extendLocks')[0]).toEqual([['a'], [expect.any(String)], 200]);
    await eventually('a lock of others is told', () => lost.length > 0);
    expect(lost[0]).toEqual(['a']);
    expect(site.errors[0]).toMatch(/^could not renew lock/);
    goOn.resolve();
  });

  it('lets what is under way end when it closes, asks for nothing more, and wants no next job', async () => {
    const goOn = Promise.withResolvers<void>();
    const { promise } = goOn;
    let begun = 0;
    const site = run(
      () => {
        begun += 1;
        return promise;
      },
      { moveToActive: handOut('a', 'b'), moveToCompleted: () => done() },
      { concurrency: 2 },
    );
    await eventually('both are under way', () => begun === 2);
    const asked = site.callsOf('moveToActive').length;
    let isClosed = false;
    const closing = site.worker.close().then(() => (isClosed = true));
    await eventually('it stops waiting', () => site.callsOf('disconnectBlocking').length > 0);
    expect([site.callsOf('disconnectBlocking')[0], isClosed]).toEqual([[true], false]);
    goOn.resolve();
    await closing;
    expect(site.callsOf('moveToActive')).toHaveLength(asked);
    expect(site.callsOf('moveToCompleted').map(([, , , , wantsNext]) => wantsNext)).toEqual([false, false]);
  });
});
