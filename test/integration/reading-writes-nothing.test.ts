import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { shardsKey } from '../../src/shared/lanes/key-names.ts';
import { installWithCli } from '../support/cli-installation.ts';
import { startConsole } from '../support/console.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { runCommand } from '../support/run-command.ts';
import { users } from '../support/secured-redis.ts';
import { settled } from '../support/settled.ts';
import { useRedis } from '../support/use-redis.ts';
import { writeCommands } from '../support/write-commands.ts';
import { writeLetters } from '../support/written-letters.ts';

const readingCommands = [
  ['status'],
  ['status', '--json'],
  ['message', 'ID'],
  ['conversation', 'p1', 'c1'],
  ['limits', 'show'],
  ['dead-letters', 'list'],
  ['dead-letters', 'list', '--page', 'p1', '--label', 'l', '--reason', 'rejected'],
  ['dead-letters', 'show', 'LETTER'],
  ['dead-letters', 'export'],
  ['dead-letters', 'replay', '--all', '--dry-run'],
  ['dead-letters', 'discard', '--all', '--dry-run'],
];

const unused = 'No kitechat-sender has used this namespace there yet.';
const paths =
  `/ /traffic.json /pages /pages/p1 /workers /dead-letters /dead-letters?page=p1 /find?q=ID /find?page=p1&conversation=c1 /dead-letters/LETTER
  /queues /queues/api/queues?activeQueue=send&status=latest&page=1&jobsPerPage=10 /queues/api/queues/send/ID /healthz /readyz /metrics`.split(
    /\s+/,
  );

const used = useRedis();

/** Runs all that only reads. @returns the exit codes and the statuses that tell of an error */
async function readEverything(env: Record<string, string>, ids: { ID: string; LETTER: string }): Promise<string[]> {
  const filled = (text: string): string => text.replace('LETTER', ids.LETTER).replace('ID', ids.ID);
  const failures: string[] = [];
  for (const args of readingCommands) {
    const { exitCode, stderr } = await runCommand(args.map(filled), env);
    if (exitCode !== 0) failures.push(`${args.join(' ')}: ${exitCode} ${stderr.join(' ')}`);
  }
  await using site = await startConsole({ redisUrl: env['REDIS_URL'], namespace: env['KITECHAT_NAMESPACE'] });
  for (const path of paths) {
    const { status } = await site.visitor.get(filled(path));
    if (status !== 200) failures.push(`${path}: ${status}`);
  }
  return failures;
}

describe('what only reads', () => {
  beforeEach(async () => void (await used.redis.call('CONFIG', 'RESETSTAT')));

  it('writes nothing into a Redis that no installation has used, and says so', async () => {
    const namespace = `unused-${randomUUID()}`;
    const env = { REDIS_URL: used.url, KITECHAT_NAMESPACE: namespace };
    const sizeBefore = await used.redis.dbsize();
    const failures = await readEverything(env, { ID: unknownId, LETTER: unknownId });
    expect(failures.map((text) => text.replace(/: .*/, ''))).toEqual([
      'message ID',
      'dead-letters show LETTER',
      '/find?q=ID',
      '/dead-letters/LETTER',
      '/queues/api/queues/send/ID',
    ]);
    const { stdout } = await runCommand(['status'], env);
    expect(stdout[1]).toContain(unused);
    for (const args of readingCommands.slice(1)) {
      const { stderr } = await runCommand(args, env);
      expect(stderr.filter((line) => line.includes(unused))).toHaveLength(1);
    }
    expect(await writeCommands(used.redis)).toEqual([]);
    expect(await used.redis.dbsize()).toBe(sizeBefore);
  });

  it('writes nothing into an installation in use', async () => {
    await using site = await installWithCli(used, { startWorker: false });
    const { namespace = '' } = site.config;
    const ID = await site.enqueue(textMessage('c1', 1));
    const [LETTER = '', removed = ''] = await writeLetters(used.redis, namespace, [
      { pageId: 'p1', conversationId: 'c1', label: 'l' },
      { pageId: 'p1', conversationId: 'c2' },
    ]);
    // A dashboard has removed this letter, so that the indexes still name it.
    await used.redis.del(`{${namespace}:0}:dead:${removed}`);
    await used.redis.call('CONFIG', 'RESETSTAT');
    expect(await readEverything(site.env, { ID, LETTER })).toEqual([]);
    expect((await runCommand(['message', unknownId], site.env)).stderr.join('\n')).not.toContain(unused);
    expect(await writeCommands(used.redis)).toEqual([]);
  });

  it('sets nothing up that a call which writes finds, and finds what that one has set up', async () => {
    await using site = await installWithCli(used, { startWorker: false });
    const stamp = async (): Promise<string | null> => await used.redis.get(shardsKey(site.config.namespace ?? ''));
    expect(await site.producer.getMessage(unknownId)).toBeNull();
    expect(await stamp()).toBeNull();
    const [id] = await Promise.all([site.enqueue(textMessage('c1', 1)), site.producer.getMessage(unknownId)]);
    expect(await stamp()).toMatch(/^1 layout 2 /);
    expect(await site.producer.getMessage(id)).toMatchObject({ status: 'queued' });
  });

  it('works on a replica, and as a Redis user that may only read', async () => {
    await using site = await installWithCli(used, { startWorker: false });
    const { namespace = '' } = site.config;
    const ID = await site.enqueue(textMessage('c1', 1));
    const [LETTER = ''] = await writeLetters(used.redis, namespace, [
      { pageId: 'p1', conversationId: 'c1', label: 'l' },
    ]);
    // Otherwise it waits for more replicas first.
    await used.redis.config('SET', 'repl-diskless-sync-delay', '0');
    await using replica = await startTestRedis();
    const its = new Redis(replica.url);
    await its.replicaof('127.0.0.1', used.server.port);
    await eventually(
      'the replica has the data',
      async () => (await its.exists(`{${namespace}:0}:dead:${LETTER}`)) === 1,
    );
    its.disconnect();
    expect(await readEverything({ ...site.env, REDIS_URL: replica.url }, { ID, LETTER })).toEqual([]);

    const { stdout } = await runCommand(['status'], { ...site.env, REDIS_URL: replica.url });
    expect(stdout[1]).toMatch(/^This Redis is a read-only replica: nothing is stored or sent through it\./);

    await using producer = createProducer({ redisUrl: replica.url, namespace, enqueueTimeoutMs: 500 });
    expect(await producer.getMessage(ID)).toMatchObject({ status: 'queued' });
    const { error } = await settled(producer.enqueueMessage(textMessage('c1', 2)));
    expect(error).toMatchObject({
      code: 'QUEUE_UNAVAILABLE',
      message: expect.stringMatching(/read-only replica/) as string,
    });
    expect(await producer.getMessage(ID)).toMatchObject({ status: 'queued' });

    // The role of the example, for this namespace.
    const rules = users.get('kitechat-reader')?.replaceAll('{kitechat', `{${namespace}`).split(' ') ?? [];
    await used.redis.call('ACL', 'SETUSER', 'reader', '>pw', ...rules);
    const url = `redis://reader:pw@127.0.0.1:${used.server.port}`;
    expect(await readEverything({ ...site.env, REDIS_URL: url }, { ID, LETTER })).toEqual([]);
  });
});
