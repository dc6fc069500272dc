import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { unknownOutcomePolicies } from '../../src/shared/model/enqueue-options.ts';
import { shardRoot } from '../../src/shared/lanes/key-names.ts';
import { onlyJsonOf } from '../support/cli-installation.ts';
import { newFolderOfTest } from '../support/folder-of-test.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { backUp } from '../support/restored-redis.ts';
import { runCommand } from '../support/run-command.ts';
import { settingsInEnvironment } from '../support/settings-in-environment.ts';
import { startSteppingRedis, type SteppingRedis } from '../support/stepping-redis.ts';
import { install, type Installation, type InstallationOptions } from '../support/worker.ts';
import { readableLogger } from '../unit/worker/log-lines.ts';

vi.setConfig({ maxConcurrency: 6 });

const STORED = 40;
const LATER_MS = 20_000;
const LONG_AGO_MS = 600_000;
/** A message whose request was open in the backup is found after a lock, which is short. */
const SLOWLY = { rateLimit: '20/s', timeoutMs: 2500 } as const;

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

interface Backup {
  restore(): Promise<void>;
  mark: number;
  /** What the API had accepted before the restore, when everything had ended. */
  accepted: number;
  duplicates: number;
}

/** Backs up with some messages open, and delivers them. */
async function deliverPastBackup(site: Site): Promise<Backup> {
  await site.producer.enqueueMessages(manyMessages(8, STORED / 8));
  await site.api.waitForAccepted(STORED / 4);
  const restore = await backUp(site.server, site.redis);
  const mark = Number(await site.redis.hget(fleetOf(site), 'mark'));
  await untilIdle(site);
  return { restore, mark, accepted: site.api.accepted.length, duplicates: site.api.report().duplicates.count };
}

/** The same, and the leader sees that the fleet has gone on for longer than a failover can lose. */
async function deliverLongPastBackup(site: Site): Promise<Backup> {
  const backup = await deliverPastBackup(site);
  await untilSeenAfter(site, await site.redis.hincrby(fleetOf(site), 'mark', LATER_MS));
  return backup;
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
async function expectAnnounced(site: Site, { accepted, duplicates }: Backup): Promise<void> {
  const announced = await untilHeld(site);
  const fresh = await site.enqueue(textMessage('new', 1));
  const { dead } = await site.status();
  expect(announced).toBeGreaterThan(0);
  expect(await countOpen(site)).toBe(announced + 1);
  expect(site.api.accepted).toHaveLength(accepted);
  await site.cli('release', '--all');
  await site.until(fresh, 'delivered');
  await untilIdle(site);
  // A request that was open in the backup has an unknown outcome: under `dead-letter` its message is not sent again.
  const died = Number((await site.status())['dead']) - Number(dead);
  expect(site.api.report().duplicates.count - duplicates).toBe(announced - died);
  expect(site.api.accepted).toHaveLength(accepted + announced - died + 1);
}

describe.concurrent('when Redis is restored from a backup', () => {
  it('workers that kept running hold everything before a message leaves, until it is released', async () => {
    await using site = await installOnDisk({ config: SLOWLY });
    const backup = await deliverLongPastBackup(site);
    await backup.restore();
    await expectAnnounced(site, backup);
  });

  it.each(unknownOutcomePolicies)(
    'workers that are all new find the later state in their folder and hold everything, under %s',
    async (onUnknownOutcome) => {
      const config = { ...SLOWLY, onUnknownOutcome, stateDir: newFolderOfTest() };
      await using site = await installOnDisk({ config, startWorker: false });
      const worker = site.startWorker();
      const backup = await deliverLongPastBackup(site);
      await worker.close();
      await backup.restore();
      site.startWorker();
      site.startWorker();
      await expectAnnounced(site, backup);
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
    const backup = await deliverLongPastBackup(site);
    await worker.close();
    await site.server.stepClock(LONG_AGO_MS);
    await backup.restore();
    site.startWorker();
    await expectAnnounced(site, backup);
  });

  it('workers that are all new and have no folder suspect it, and only warn under resend', async () => {
    await using site = await installOnDisk({ config: SLOWLY, startWorker: false });
    const worker = site.startWorker();
    const backup = await deliverLongPastBackup(site);
    await worker.close();
    await site.server.stepClock(LONG_AGO_MS);
    await backup.restore();
    const { logger, lines } = readableLogger();
    site.startWorker({ logger });
    await untilIdle(site);
    const twice = site.api.report().duplicates.count - backup.duplicates;
    expect(twice).toBeGreaterThan(0);
    expect((await site.status())['holds']).toEqual([]);
    const warnings = lines.filter((line) => line.includes('messages may be sent twice'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`"messages":${twice}`);
    const evidence = expect.stringContaining(`up to ${twice} messages may be sent twice`) as string;
    expect(await site.status()).toMatchObject({ suspectedRestore: { evidence } });
  });
});

describe.concurrent('nothing is held', () => {
  it('when Redis has lost its last seconds, as after a failover or a crash: that is only logged', async () => {
    const { logger, lines } = readableLogger();
    await using site = await installOnDisk({ config: SLOWLY, hooks: { logger } });
    const backup = await deliverPastBackup(site);
    await untilSeenAfter(site, backup.mark);
    await backup.restore();
    await untilIdle(site);
    expect(site.api.report().duplicates.count).toBeGreaterThan(backup.duplicates);
    expect(lines.filter((line) => line.includes('Redis has lost its last writes'))).toHaveLength(1);
  });

  it('when Redis comes back empty, and its new messages are sent', async () => {
    await using site = await installOnDisk({ config: SLOWLY });
    const { accepted } = await deliverPastBackup(site);
    await site.redis.flushall();
    await site.producer.enqueueMessages(manyMessages(8, 5));
    await untilIdle(site);
    expect(site.api.accepted.length).toBeGreaterThanOrEqual(accepted + STORED);
  });

  it('when all workers ended cleanly long before Redis was started again, although messages wait', async () => {
    const config = { onUnknownOutcome: 'dead-letter' } as const;
    await using site = await installOnDisk({ config, startWorker: false });
    await site.startWorker().close();
    const id = await site.enqueue(textMessage('c1', 1));
    const restore = await backUp(site.server, site.redis);
    await site.server.stepClock(LONG_AGO_MS);
    await restore();
    site.startWorker();
    await site.until(id, 'delivered');
    expect((await site.status())['holds']).toEqual([]);
  });
});
