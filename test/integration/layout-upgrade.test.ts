import { describe, expect, it } from 'vitest';
import { shardsKey } from '../../src/shared/lanes/key-names.ts';
import { version } from '../../src/shared/version.ts';
import { installWithCli, jsonLinesOf } from '../support/cli-installation.ts';
import { type DrainedLayoutOne, layoutOne } from '../support/layout-one.ts';
import { textMessage } from '../support/messages.ts';
import { startSecuredRedis } from '../support/secured-redis.ts';
import { settled } from '../support/settled.ts';
import { useRedis } from '../support/use-redis.ts';
import type { Installation } from '../support/worker.ts';
import { runCommand } from '../support/run-command.ts';

const STAMP = `1 layout 2 version ${version}`;

describe('an installation of version 0.1 that was drained', () => {
  const server = useRedis();

  const drained = async ({ config }: Installation): Promise<DrainedLayoutOne> =>
    await layoutOne(server.redis, config.namespace ?? '', 1).writeDrained();

  it('is taken over by the first call of an app, which is stored and delivered', async () => {
    await using site = await installWithCli(server, { startWorker: false });
    const { delivered } = await drained(site);
    const id = await site.enqueue(textMessage('c1', 1, 'p1'));
    expect(await server.redis.get(shardsKey(site.config.namespace ?? ''))).toBe(STAMP);
    expect(await site.producer.getMessage(delivered)).toBeNull();
    site.startWorker();
    await site.until(id, 'delivered');
  });

  it('keeps its idempotency keys: the same request is a duplicate, another one a conflict', async () => {
    await using site = await installWithCli(server, { startWorker: false });
    const { delivered, request } = await drained(site);
    const again = await site.producer.enqueueMessage(request, { idempotencyKey: 'once' });
    expect(again).toEqual({ id: delivered, duplicate: true });
    const other = site.producer.enqueueMessage(textMessage('c1', 2, 'p1'), { idempotencyKey: 'once' });
    expect((await settled(other)).error).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT', id: delivered });
  });

  it('keeps its holds and limits', async () => {
    await using site = await installWithCli(server, { startWorker: false });
    await drained(site);
    const refused = await site.cli('status');
    expect([refused.exitCode, refused.stderr.at(-1)]).toEqual([
      2,
      expect.stringMatching(/layout of version 0\.1, which a call that only reads does not change: start a worker/),
    ]);
    expect(await server.redis.get(shardsKey(site.config.namespace ?? ''))).toBe('1');
    await site.cli('release', '--page', 'p8');
    const [status] = jsonLinesOf(await site.cli('status', '--json'));
    expect(status).toMatchObject({ queued: 0, dead: 1, holds: [{ scope: 'page', page: 'p9', reason: 'operator' }] });
    expect(jsonLinesOf(await site.cli('limits', 'show', '--json'))).toMatchObject([{ rate: { limit: '300/s' } }]);
    site.startWorker();
    const held = await site.enqueue(textMessage('c1', 1, 'p9'));
    const sent = await site.enqueue(textMessage('c1', 1, 'p1'));
    await site.until(sent, 'delivered');
    expect(await site.producer.getMessage(held)).toMatchObject({ status: 'held' });
  });

  it('keeps its dead letters: they are listed, found by page, and sent again', async () => {
    await using site = await installWithCli(server, { startWorker: false });
    const { letter } = await drained(site);
    await site.cli('release', '--page', 'p8');
    const found = jsonLinesOf(await site.cli('dead-letters', 'list', '--page', 'p2', '--json'));
    expect(found).toMatchObject([{ id: letter, reason: 'rejected', label: 'campaign-7', attemptsUsed: 1 }]);
    site.startWorker();
    const replayed = await site.cli('dead-letters', 'replay', '--id', letter, '--json');
    expect(replayed).toMatchObject({ exitCode: 0 });
    await site.api.waitForAccepted(1);
    expect(site.api.requests[0]).toMatchObject({ body: { pageId: 'p2', message: { text: 'refused once' } } });
    expect(jsonLinesOf(await site.cli('dead-letters', 'list', '--json'))).toEqual([]);
  });
});

describe('with Redis users of the least rights', () => {
  it('a process that may not take over names the command that does, and that one is enough', async () => {
    await using redis = await startSecuredRedis();
    const { keeps, removes } = await layoutOne(redis.admin, 'kitechat', 1).writeDrained();
    const as = async (user: string, ...args: string[]) => await runCommand(args, { REDIS_URL: redis.urlOf(user) });
    const refused = await as('kitechat-operator', 'hold', '--all');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr.join(' ')).toContain('run "kitechat-sender reshard 1" once as a user that has them');
    expect(await redis.admin.get(shardsKey('kitechat'))).toBe('1');

    const before = await redis.denials();
    expect((await as('kitechat-reshard', 'reshard', '1')).exitCode).toBe(0);
    expect(await redis.denials()).toEqual(before);
    expect(await redis.admin.get(shardsKey('kitechat'))).toBe(STAMP);
    expect(await redis.admin.exists(...keeps)).toBe(keeps.length);
    expect(await redis.admin.exists(...removes)).toBe(0);
    expect((await as('kitechat-operator', 'status')).exitCode).toBe(0);
  });
});
