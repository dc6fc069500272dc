import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { unknownOutcomePolicies } from '../../src/shared/model/enqueue-options.ts';
import { shardRoot } from '../../src/shared/lanes/key-names.ts';
import { backUp, restore } from '../support/backup.ts';
import { onlyJsonOf } from '../support/cli-installation.ts';
import { newFolderOfTest } from '../support/folder-of-test.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { settingsInEnvironment } from '../support/settings-in-environment.ts';
import { startSteppingRedis, type SteppingRedis } from '../support/stepping-redis.ts';
import { install, type Installation, type InstallationOptions } from '../support/worker.ts';
import { readableLogger } from '../unit/worker/log-lines.ts';

vi.setConfig({ testTimeout: 60_000, maxConcurrency: 6 });

const STORED = 40;
const LATER_MS = 20_000;
const LONG_AGO_MS = 600_000;
/** A message whose request was open in the backup is found after a lock, which is short. */
const SLOWLY = { rateLimit: '20/s', timeoutMs: 1000 } as const;

interface Site extends Installation {
  server: SteppingRedis;
  redis: Redis;
  /** The output of `kitechat-sender status --json`. */
  status(): Promise<Record<string, unknown>>;
  cli(...args: string[]): Promise<void>;
}

async function installOnDisk(options: InstallationOptions = {}): Promise<Site> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startSteppingRedis());
  const redis = new Redis(server.url);
  // It is down for a moment.
  redis.on('error', () => {});
  stack.defer(() => redis.disconnect());
  const site = stack.use(await install(server, options));
  const env = settingsInEnvironment(site.config);
  return {
    ...site,
    server,
    redis,
    status: async () => onlyJsonOf(await runCommand(['status', '--json'], env)),
    async cli(...args) {
      const { exitCode, stderr } = await runCommand(args, env);
      expect(exitCode, stderr.join('\n')).toBe(0);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function fleetOf({ config }: Site): string {
  return `${shardRoot(config.namespace ?? '', 0)}fleet`;
}

/** Waits until the leader has heard of a later mark: that of its last tick may still be on the way to it. */
async function untilSeenAfter(site: Site, mark: number): Promise<void> {
  const readMark = async (): Promise<number> => Number(await site.redis.hget(fleetOf(site), 'mark'));
  await eventually('the leader has ticked', async () => (await readMark()) > mark);
  const heard = await readMark();
  await eventually('the leader has ticked again', async () => (await readMark()) > heard);
}

/** Backs up with some messages open, and delivers them. @returns the mark of the backup */
async function deliverPastBackup(site: Site): Promise<number> {
  await site.producer.enqueueMessages(manyMessages(8, STORED / 8));
  await site.api.waitForAccepted(STORED / 4);
  await backUp(site.server);
  const mark = Number(await site.redis.hget(fleetOf(site), 'mark'));
  await site.api.waitForAccepted(STORED);
  await untilSeenAfter(site, mark);
  return mark;
}

/** The same, and the leader sees that the fleet has gone on for longer than a failover can lose. */
async function deliverLongPastBackup(site: Site): Promise<void> {
  await deliverPastBackup(site);
  await untilSeenAfter(site, await site.redis.hincrby(fleetOf(site), 'mark', LATER_MS));
}

/** @returns what the only hold of the status says of messages that may be sent twice */
async function untilHeld({ status }: Site): Promise<number> {
  const { evidence } = await eventually('everything is held', async () => {
    const { holds } = await status();
    const [hold] = holds as { scope: string; reason: string; evidence?: string }[];
    return hold?.reason === 'restored' && hold.scope === 'all' && hold;
  });
  const [, count] = /up to (\d+) messages? may be sent twice$/.exec(evidence ?? '') ?? [];
  return Number(count);
}

async function countOpen({ status }: Site): Promise<number> {
  const { queued, sending, held, retrying } = await status();
  return [queued, sending, held, retrying].reduce((sum: number, count) => sum + Number(count), 0);
}

async function untilIdle(site: Site): Promise<void> {
  await eventually('everything was sent', async () => (await countOpen(site)) === 0);
}

/** Expects that nothing is sent before the release, and that then no others arrive twice than those that were announced. */
async function expectAnnounced(site: Site, announced: number): Promise<void> {
  const fresh = await site.enqueue(textMessage('new', 1));
  expect(announced).toBeGreaterThan(0);
  expect(await countOpen(site)).toBe(announced + 1);
  expect(site.api.accepted).toHaveLength(STORED);
  await site.cli('release', '--all');
  await site.until(fresh, 'delivered');
  await untilIdle(site);
  // A request that was open in the backup has an unknown outcome: under `dead-letter` its message is not sent again.
  const twice = announced - Number((await site.status())['dead']);
  expect(site.api.report().duplicates.count).toBe(twice);
  expect(site.api.accepted).toHaveLength(STORED + twice + 1);
}

describe.concurrent('when Redis is restored from a backup', () => {
  it('workers that kept running hold everything before a message leaves, until it is released', async () => {
    await using site = await installOnDisk({ config: SLOWLY });
    await deliverLongPastBackup(site);
    await restore(site.server);
    await expectAnnounced(site, await untilHeld(site));
  });

  it.each(unknownOutcomePolicies)(
    'workers that are all new find the later state in their folder and hold everything, under %s',
    async (onUnknownOutcome) => {
      const config = { ...SLOWLY, onUnknownOutcome, stateDir: newFolderOfTest() };
      await using site = await installOnDisk({ config, startWorker: false });
      const worker = site.startWorker();
      await deliverLongPastBackup(site);
      await worker.close();
      await restore(site.server);
      site.startWorker();
      site.startWorker();
      await expectAnnounced(site, await untilHeld(site));
      // What was released stays released, also for workers that read the folder later.
      site.startWorker();
      await site.until(await site.enqueue(textMessage('new', 2)), 'delivered');
    },
  );

  it('workers that are all new and have no folder suspect it, and hold everything under dead-letter', async () => {
    await using site = await installOnDisk({
      config: { ...SLOWLY, onUnknownOutcome: 'dead-letter' },
      startWorker: false,
    });
    const worker = site.startWorker();
    await deliverLongPastBackup(site);
    await worker.close();
    await site.server.stepClock(LONG_AGO_MS);
    await restore(site.server);
    site.startWorker();
    await expectAnnounced(site, await untilHeld(site));
  });

  it('workers that are all new and have no folder suspect it, and only warn under resend', async () => {
    await using site = await installOnDisk({ config: SLOWLY, startWorker: false });
    const worker = site.startWorker();
    await deliverLongPastBackup(site);
    await worker.close();
    await site.server.stepClock(LONG_AGO_MS);
    await restore(site.server);
    const { logger, lines } = readableLogger();
    site.startWorker({ logger });
    await untilIdle(site);
    expect(site.api.report().duplicates.count).toBeGreaterThan(0);
    expect((await site.status())['holds']).toEqual([]);
    const warnings = lines.filter((line) => line.includes('messages may be sent twice'));
    expect(warnings).toHaveLength(1);
    const twice = site.api.report().duplicates.count;
    expect(warnings[0]).toContain(`"messages":${twice}`);
    const evidence = expect.stringContaining(`up to ${twice} messages may be sent twice`) as string;
    expect(await site.status()).toMatchObject({ suspectedRestore: { evidence } });
  });
});

describe.concurrent('nothing is held', () => {
  it('when Redis has lost its last seconds, as after a failover or a crash: that is only logged', async () => {
    const { logger, lines } = readableLogger();
    await using site = await installOnDisk({ config: SLOWLY, hooks: { logger } });
    await deliverPastBackup(site);
    await restore(site.server);
    await untilIdle(site);
    expect(site.api.report().duplicates.count).toBeGreaterThan(0);
    expect(lines.filter((line) => line.includes('Redis has lost its last writes'))).toHaveLength(1);
  });

  it('when Redis comes back empty, and its new messages are sent', async () => {
    await using site = await installOnDisk({ config: SLOWLY });
    await deliverLongPastBackup(site);
    await site.redis.flushall();
    await site.producer.enqueueMessages(manyMessages(8, 5));
    await untilIdle(site);
    expect(site.api.accepted).toHaveLength(2 * STORED);
  });

  it('when all workers ended cleanly long before Redis was started again, although messages wait', async () => {
    const config = { onUnknownOutcome: 'dead-letter' } as const;
    await using site = await installOnDisk({ config, startWorker: false });
    await site.startWorker().close();
    const id = await site.enqueue(textMessage('c1', 1));
    await backUp(site.server);
    await site.server.stepClock(LONG_AGO_MS);
    await restore(site.server);
    site.startWorker();
    await site.until(id, 'delivered');
    expect((await site.status())['holds']).toEqual([]);
  });
});
