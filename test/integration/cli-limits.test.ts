import { describe, expect, it } from 'vitest';
import { jsonLinesOf, installWithCli } from '../support/cli-installation.ts';
import { manyMessages } from '../support/messages.ts';
import { createKeeper } from '../support/limits/keepers.ts';
import { runCommand } from '../support/run-command.ts';
import { useRedis } from '../support/use-redis.ts';

const server = useRedis();

const nobodyYet = expect.stringContaining('No worker has reported its limits yet') as string;
const done = 'The limits are set; the workers apply them within seconds.';

describe.concurrent('kitechat-sender limits', () => {
  function on(namespace: string, more: Record<string, string> = {}) {
    const env = { REDIS_URL: server.url, KITECHAT_NAMESPACE: namespace, ...more };
    return async (...args: string[]) => await runCommand(['limits', ...args], env);
  }

  it('show says what is in force for the fleet, and where it is from, whatever the variables here say', async () => {
    await createKeeper(server.redis, 'shown', 'worker', { pageRate: '20/s burst 5' }).start();
    const limits = on('shown', { KITECHAT_RATE_LIMIT: '7/s', KITECHAT_PAGE_RATE_LIMIT: '8/s' });
    const [asJson, asTable] = await Promise.all([limits('show', '--json'), limits('show')]);
    expect(asJson).toMatchObject({ exitCode: 0, stderr: [] });
    expect(jsonLinesOf(asJson)).toEqual([
      {
        rate: { limit: null, from: 'default', inForce: true },
        pageRate: { limit: '20/s burst 5', from: 'variable', inForce: true },
      },
    ]);
    expect(asTable).toMatchObject({
      exitCode: 0,
      stderr: [],
      stdout: [
        '                 limit         from',
        'the whole fleet  none          not set',
        'each page        20/s burst 5  KITECHAT_PAGE_RATE_LIMIT of the workers',
      ],
    });
  });

  it('show falls back on the variables here before the first worker has started, and says so', async () => {
    const limits = on('unused', { KITECHAT_RATE_LIMIT: '7/s' });
    const [asJson, asTable] = await Promise.all([limits('show', '--json'), limits('show')]);
    expect(asJson).toMatchObject({
      exitCode: 0,
      stderr: [nobodyYet, expect.stringContaining('No kitechat-sender has used this namespace')],
    });
    expect(jsonLinesOf(asJson)).toEqual([
      {
        rate: { limit: '7/s', from: 'variable', inForce: false },
        pageRate: { limit: null, from: 'default', inForce: false },
      },
    ]);
    expect(asTable.stdout).toEqual([
      '                 limit  from',
      'the whole fleet  7/s    KITECHAT_RATE_LIMIT, as set here',
      'each page        none   not set',
    ]);
  });

  it('set overrides the variables, leaves what is not named, and lets them count again', async () => {
    const limits = on('set', { KITECHAT_RATE_LIMIT: '9/s' });
    const first = await limits('set', '--rate', ' 50 / s burst 1', '--json');
    expect(first).toMatchObject({ exitCode: 0, stderr: [nobodyYet, done] });
    expect(jsonLinesOf(first)).toMatchObject([
      { rate: { limit: '50/s', from: 'run-time' }, pageRate: { limit: null, from: 'default' } },
    ]);
    const second = await limits('set', '--page-rate', '300/min burst 10', '--json');
    expect(second.stderr).toEqual([done]);
    expect(jsonLinesOf(second)).toEqual([
      {
        rate: { limit: '50/s', from: 'run-time', inForce: true },
        pageRate: { limit: '300/min burst 10', from: 'run-time', inForce: true },
      },
    ]);
    const third = await limits('set', '--rate', 'none', '--page-rate', 'default', '--json');
    expect(jsonLinesOf(third)).toMatchObject([
      { rate: { limit: null, from: 'run-time' }, pageRate: { limit: null, from: 'default' } },
    ]);
    const { stdout } = await limits('show');
    expect(stdout[1]).toBe('the whole fleet  none   set at run time');
    const [last] = jsonLinesOf(await limits('set', '--rate', 'default', '--json'));
    expect(last).toMatchObject({ rate: { limit: '9/s', from: 'variable' } });
  });

  it('set is followed by workers that run', async () => {
    await using to = await installWithCli(server);
    await to.cli('limits', 'set', '--rate', '1/h');
    const ids = (await to.producer.enqueueMessages(manyMessages(5, 1))).map(({ id }) => id);
    await to.api.waitForAccepted(1);
    await to.cli('limits', 'set', '--rate', 'none');
    await Promise.all(ids.map((id) => to.until(id, 'delivered')));
    expect(to.api.report()).toMatchObject({ duplicates: { count: 0 }, outOfOrder: { count: 0 } });
  });
});
