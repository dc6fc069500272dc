import { describe, expect, it } from 'vitest';
import { installWithCli, jsonLinesOf } from '../support/cli-installation.ts';
import { textMessage } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { useRedis } from '../support/use-redis.ts';

const server = useRedis();

const targets: [string, string[], Record<string, string>, string][] = [
  ['everything', ['--all'], { scope: 'all' }, 'everything'],
  ['a page', ['--page', 'p 1'], { scope: 'page', page: 'p 1' }, 'page p 1'],
  [
    'a conversation',
    ['--page', 'p 1', '--conversation', 'c1'],
    { scope: 'conversation', page: 'p 1', conversation: 'c1' },
    'conversation c1 of page p 1',
  ],
];

describe.concurrent.each(targets)(
  'kitechat-sender hold and release of %s',
  { timeout: 60_000 },
  (_what, args, target, name) => {
    it('stop its messages and let them go on, and say so', async () => {
      await using to = await installWithCli(server);
      const held = await to.cli('hold', ...args, '--json');
      expect(held).toMatchObject({
        exitCode: 0,
        stderr: [expect.stringContaining(`${name} is held: its messages wait`)],
      });
      expect(jsonLinesOf(held)).toEqual([{ ...target, result: 'held' }]);

      const id = await to.enqueue(textMessage('c1', 1, 'p 1'));
      await to.until(id, 'held');
      const [status] = jsonLinesOf(await to.cli('status', '--json'));
      expect(status).toMatchObject({ held: 1, queued: 0, holds: [{ ...target, reason: 'operator' }] });
      expect(to.api.requests).toEqual([]);

      const released = await to.cli('release', ...args, '--json');
      expect(released).toMatchObject({ exitCode: 0, stderr: [expect.stringContaining(`${name} is released`)] });
      expect(jsonLinesOf(released)).toEqual([{ ...target, result: 'released' }]);
      await to.until(id, 'delivered');
    });
  },
);

describe.concurrent('kitechat-sender hold', () => {
  it('of parts stays when the whole is released, and release names them', async () => {
    await using to = await installWithCli(server, { startWorker: false });
    await to.cli('hold', '--page', 'p1');
    await to.cli('hold', '--page', 'p2', '--conversation', 'c1');
    const all = await to.cli('release', '--all');
    expect(all.exitCode).toBe(1);
    expect(all.stderr.join('\n')).toContain(
      'still held by holds of their own, to be released separately: page p1; conversation c1 of page p2',
    );
    const page = await to.cli('release', '--page', 'p2');
    expect(page.stderr.join('\n')).toContain('released separately: conversation c1 of page p2');
    const whole = await to.cli('release', '--page', 'p1');
    expect(whole).toMatchObject({ exitCode: 0, stderr: [expect.stringContaining('page p1 is released')] });
  });

  it('exits 0 for what is held already, and release 1 for what is not held', async () => {
    await using to = await installWithCli(server, { startWorker: false });
    const page = { scope: 'page', page: 'p1' };
    await to.cli('hold', '--page', 'p1');
    const again = await to.cli('hold', '--page', 'p1', '--json');
    expect(again).toMatchObject({ exitCode: 0, stderr: [expect.stringContaining('page p1 was held already')] });
    expect(jsonLinesOf(again)).toEqual([{ ...page, result: 'already-held' }]);
    const others = await Promise.all([
      to.cli('release', '--all', '--json'),
      to.cli('release', '--page', 'p1', '--conversation', 'c1', '--json'),
      to.cli('release', '--page', 'p2', '--json'),
    ]);
    for (const other of others) {
      expect(other.exitCode).toBe(1);
      expect(other.stderr[0]).toContain('was not held by an operator');
      expect(jsonLinesOf(other)).toMatchObject([{ result: 'not-held' }]);
    }
  });
  it('prints a table, and status shows the hold', async () => {
    await using to = await installWithCli(server, { startWorker: false });
    const { stdout } = await to.cli('hold', '--page', 'p1', '--conversation', 'c1');
    expect(stdout).toEqual(['scope         page  conversation  result', 'conversation  p1    c1            held']);
    const status = await to.cli('status');
    expect(status.stdout.slice(-2)).toEqual([
      'hold          page  conversation  reason    next',
      'conversation  p1    c1            operator  release',
    ]);
  });

  it('finds the shard of the page, and all shards for everything', async () => {
    await using to = await installWithCli(server, { config: { shards: 3 } });
    const cli = async (...args: string[]) => await runCommand(args, { ...to.env, KITECHAT_SHARDS: '3' });
    const pages = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'];
    await cli('hold', '--all');
    const ids = await Promise.all(pages.map((page) => to.enqueue(textMessage('c1', 1, page))));
    await Promise.all([
      ...ids.map((id) => to.until(id, 'held')),
      cli('hold', '--page', 'p1'),
      cli('hold', '--page', 'p2'),
    ]);
    await cli('release', '--all');
    await Promise.all(ids.slice(2).map((id) => to.until(id, 'delivered')));
    for (const id of ids.slice(0, 2)) expect((await to.producer.getMessage(id))?.status).toBe('held');
    await Promise.all([cli('release', '--page', 'p1'), cli('release', '--page', 'p2')]);
    await Promise.all(ids.map((id) => to.until(id, 'delivered')));
  });
});
