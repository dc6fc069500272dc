import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Redis } from 'ioredis';
import { createProducer, type Producer } from '../../src/producer/index.ts';
import { shardOfPage, shardsKey } from '../../src/shared/lanes/key-names.ts';
import { createWorker } from '../../src/worker/index.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { type Cli, installWithCli, jsonLinesOf } from '../support/cli-installation.ts';
import { type EventLog, openEventLog } from '../support/event-log.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { layoutOne } from '../support/layout-one.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';
import { settled } from '../support/settled.ts';
import { install, type Installation } from '../support/worker.ts';
import { runCommand } from '../support/run-command.ts';

interface Server {
  url: string;
  stop(): Promise<void>;
}

const startOne = async (): Promise<Server> => await startRedisServer();

/** Pages that belong to other shards when there are five, some of them with an id that keys can't hold. */
const moving = ['p1', 'p2', 'p3', 'page 1', 'page 2', 'page 3'].filter(
  (page) => shardOfPage(page, 2) !== shardOfPage(page, 5),
);

describe.each([
  ['one Redis', startOne],
  ['a Redis Cluster', startRedisCluster],
])('kitechat-sender reshard on %s', (_what, start: () => Promise<Server>) => {
  let server: Server;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => await server.stop());

  /** The same installation, as it is with another number of shards. */
  const cliOf = ({ config }: Installation, shards: number): Cli => {
    const env = { REDIS_URL: server.url, KITECHAT_NAMESPACE: config.namespace ?? '', KITECHAT_SHARDS: String(shards) };
    return (...args) => runCommand(args, env);
  };
  const producerOf = ({ config }: Installation, shards: number): Producer => createProducer({ ...config, shards });

  it('keeps idempotency keys, holds and limits, and messages go on in the new shards', async () => {
    expect(new Set(moving.map((page) => page.includes(' '))).size).toBe(2);
    await using site = await installWithCli(server, { startWorker: false, config: { shards: 2 } });
    const before = cliOf(site, 2);
    await before('limits', 'set', '--rate', '500/s');
    const request = (pageId: string) => textMessage('c1', 1, pageId);
    const worker = site.startWorker();
    const ids = new Map<string, string>();
    for (const page of moving) {
      const { id } = await site.producer.enqueueMessage(request(page), { idempotencyKey: 'once' });
      ids.set(page, id);
      await site.until(id, 'delivered');
    }
    await worker.close();
    for (const page of moving) await before('hold', '--page', page);
    await before('hold', '--page', 'p1', '--conversation', 'c9');

    const outcome = await site.cli('reshard', '5', '--json');
    expect(outcome).toMatchObject({ exitCode: 0, stderr: [expect.stringContaining('KITECHAT_SHARDS=5')] });
    expect(jsonLinesOf(outcome)).toMatchObject([{ from: 2, to: 5, result: 'done' }]);

    await using producer = producerOf(site, 5);
    for (const page of moving) {
      const again = await producer.enqueueMessage(request(page), { idempotencyKey: 'once' });
      expect(again).toEqual({ id: ids.get(page), duplicate: true });
      expect(await producer.getMessage(again.id)).toMatchObject({ status: 'delivered' });
    }
    const after = cliOf(site, 5);
    const [status] = jsonLinesOf(await after('status', '--json'));
    expect(status?.['holds']).toHaveLength(moving.length + 1);
    expect(jsonLinesOf(await after('limits', 'show', '--json'))).toMatchObject([{ rate: { limit: '500/s' } }]);

    site.startWorker({ shards: 5 });
    const [page = ''] = moving;
    const { id } = await producer.enqueueMessage(textMessage('c2', 1, page));
    expect(await producer.getMessage(id)).toMatchObject({ status: 'held' });
    await after('release', '--page', page);
    await site.api.waitForAccepted(moving.length + 1);
    expect(site.api.report().duplicates.count).toBe(0);
  });

  it('waits for the readers of events, and gives the new shards their groups', async () => {
    await using site = await installWithCli(server, { startWorker: false, config: { shards: 2 } });
    const namespace = site.config.namespace ?? '';
    const redis = server.url.includes(',') ? new Redis.Cluster(server.url.split(',')) : new Redis(server.url);
    await using stack = new AsyncDisposableStack();
    stack.defer(() => redis.disconnect());
    const read = async (shards: number, acknowledges: boolean): Promise<EventLog> =>
      await openEventLog(redis, { ...site.config, shards, group: 'crm' }, { acknowledges });
    const cancelled = async (producer: Producer): Promise<string[]> => {
      const ids = await Promise.all(
        moving.map(async (page) => (await producer.enqueueMessage(textMessage('c1', 1, page))).id),
      );
      for (const id of ids) await producer.cancelMessage(id);
      return ids;
    };
    const first = await read(2, false);
    await cancelled(site.producer);
    await first.until(moving.length);
    await first.close();
    const refused = await cliOf(site, 2)('reshard', '5');
    expect([refused.exitCode, refused.stderr.join('\n')]).toEqual([
      1,
      expect.stringContaining(`events that were not acknowledged: ${moving.length} (group crm)`),
    ]);
    const second = await read(2, true);
    await second.until(moving.length);
    await second.close();
    expect(await cliOf(site, 2)('reshard', '5')).toMatchObject({ exitCode: 0 });
    await using later = producerOf(site, 5);
    const ids = await cancelled(later);
    for (let index = 2; index < 5; index += 1) {
      expect(await redis.xinfo('GROUPS', `{${namespace}:${index}}:events`)).toHaveLength(1);
    }
    await using third = await read(5, true);
    const told = await third.until(moving.length);
    const named = told.flatMap((event) => (event.type === 'gap' ? [] : [event.messageId]));
    expect(named.toSorted()).toEqual(ids.toSorted());
  });

  it('ends the connections of apps that know the old number: they are told, and store nothing', async () => {
    await using site = await installWithCli(server, { startWorker: false, config: { shards: 3 } });
    await cliOf(site, 3)('limits', 'set', '--rate', 'none');
    await site.producer.getMessage(unknownId);
    expect((await site.cli('reshard', '2')).exitCode).toBe(0);
    const { error } = await settled(site.producer.enqueueMessage(textMessage('c1', 1)));
    expect(error).toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('set up with 2') as string,
    });
    const [status] = jsonLinesOf(await cliOf(site, 2)('status', '--json'));
    expect(status).toMatchObject({ queued: 0 });
  });

  it('refuses while messages are open, workers live or dead letters are there, and leaves all as it was', async () => {
    await using site = await installWithCli(server, { config: { shards: 2 } });
    const { pageId, conversationId } = textMessage('c1', 1);
    site.api.setFaults([{ kind: 'status', status: 400 }]);
    await site.until(await site.enqueue(textMessage('c1', 1)), 'dead');
    await cliOf(site, 2)('hold', '--page', pageId);
    const id = await site.enqueue(textMessage(conversationId, 2));
    const refused = await site.cli('reshard', '4', '--json');
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toEqual([
      'the number of shards stays 2. These obstacles prevent a change to 4:',
      expect.stringMatching(/^ {2}live workers: 1 \(.+\): stop them$/),
      expect.stringMatching(/^ {2}open messages: 1: /),
      expect.stringMatching(/^ {2}dead letters: 1: .*replay --all.*discard --all/),
    ]);
    expect(jsonLinesOf(refused)).toMatchObject([
      { from: 2, to: 4, result: 'refused', obstacles: { openMessages: 1, deadLetters: 1 } },
    ]);
    site.api.setFaults([]);
    await cliOf(site, 2)('release', '--page', pageId);
    await site.until(id, 'delivered');
  });

  it.each([
    ['this version', 'resharding 2 6 layout 2 version 0.2.0'],
    ['version 0.1', 'resharding 2 6'],
  ])('of %s that was interrupted keeps everybody out until it is run again', async (_by, mark) => {
    await using site = await installWithCli(server, { startWorker: false, config: { shards: 2 } });
    const namespace = site.config.namespace ?? '';
    expect((await site.cli('reshard', '2')).exitCode).toBe(0);
    const nodes = server.url.includes(',') ? new Redis.Cluster(server.url.split(',')) : new Redis(server.url);
    await nodes.set(shardsKey(namespace), mark);
    nodes.disconnect();
    const { error } = await settled(site.producer.enqueueMessage(textMessage('c1', 1)));
    expect(error).toMatchObject({ message: expect.stringContaining('kitechat-sender reshard 6') as string });
    const other = await site.cli('reshard', '3');
    expect(other).toMatchObject({ exitCode: 1, stderr: [expect.stringContaining('reshard 6')] });
    expect((await site.cli('reshard', '6')).exitCode).toBe(0);
    await using producer = producerOf(site, 6);
    expect(await producer.enqueueMessage(textMessage('c1', 1))).toMatchObject({ duplicate: false });
  });

  it('takes a drained namespace of version 0.1 over, with the same number of shards or another one', async () => {
    for (const to of [2, 5]) {
      await using site = await installWithCli(server, { startWorker: false, config: { shards: 2 } });
      const namespace = site.config.namespace ?? '';
      const redis = server.url.includes(',') ? new Redis.Cluster(server.url.split(',')) : new Redis(server.url);
      const { letter } = await layoutOne(redis, namespace, 2).writeDrained();
      const letters = await cliOf(site, 2)('reshard', String(to), '--json');
      const isRefused = to !== 2;
      expect(letters.exitCode).toBe(isRefused ? 1 : 0);
      expect(await redis.get(shardsKey(namespace))).toMatch(isRefused ? /^2$/ : /^2 layout 2 version /);
      if (isRefused) {
        await redis.unlink(`{${namespace}:0}:dead:${letter}`, `{${namespace}:0}:dead:failed`);
        expect((await site.cli('reshard', '5')).exitCode).toBe(0);
        expect(await redis.get(shardsKey(namespace))).toMatch(/^5 layout 2 version /);
      }
      redis.disconnect();
    }
  });

  it('to fewer leaves no key of the shards that are gone, and what ended in the others stays known', async () => {
    await using site = await installWithCli(server, { startWorker: false, config: { shards: 6 } });
    const worker = site.startWorker();
    const pages = Array.from({ length: 12 }, (_, n) => `p${n}`);
    const ids = await Promise.all(pages.map((page) => site.enqueue(textMessage('c1', 1, page))));
    for (const id of ids) await site.until(id, 'delivered');
    await worker.close();
    expect((await site.cli('reshard', '2')).exitCode).toBe(0);

    await using producer = producerOf(site, 2);
    for (const id of ids) {
      const isGone = Number.parseInt(id, 36) >= 2;
      expect(await producer.getMessage(id)).toEqual(isGone ? null : expect.objectContaining({ status: 'delivered' }));
    }
    const root = `{${site.config.namespace}:`;
    const shards = new Set<string>();
    for (const address of server.url.split(',')) {
      const node = new Redis(address);
      for (const key of await node.keys('*')) if (key.startsWith(root)) shards.add(key.slice(0, key.indexOf('}')));
      node.disconnect();
    }
    const left = [...shards].filter((shard) => Number(shard.split(':')[1]) >= 2);
    expect(left).toEqual([]);
  });
});

describe('a worker', () => {
  it('that lives through a change of the number of shards ends, and says why', async () => {
    await using server = await startRedisServer();
    await using site = await install(server, { startWorker: false, config: { shards: 2 } });
    const worker = createWorker(site.config);
    const running = settled(worker.run());
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    const redis = new Redis(server.url);
    await redis.set(shardsKey(site.config.namespace ?? ''), '3 layout 2 version 0.2.0');
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    redis.disconnect();
    const { error } = await running;
    expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
    expect(String(error)).toMatch(
      /had 2 shards .*has 3 now: if "kitechat-sender reshard" .*if not, .* SET "\{.*\}:shards" "2 layout 2 version/,
    );
  });
});
