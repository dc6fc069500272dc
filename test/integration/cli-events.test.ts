import { describe, expect, it } from 'vitest';
import { installWithCli, jsonLinesOf } from '../support/cli-installation.ts';
import { openEventLog } from '../support/event-log.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';

const used = useRedis();

describe.concurrent('kitechat-sender events', () => {
  it('lists the groups with what waits for them, and forgets one, which is recorded', async () => {
    await using to = await installWithCli(used.server, { startWorker: false });
    const log = await openEventLog(used.redis, { ...to.config, group: 'crm' }, { acknowledges: false });
    for (const n of [1, 2]) await to.producer.cancelMessage(await to.enqueue(textMessage('c1', n)));
    await log.until(2);
    const group = { group: 'crm', shard: 0, waiting: 2, lost: 0 };
    expect(jsonLinesOf(await to.cli('events', '--json'))).toEqual([{ ...group, isRead: true }]);
    const refused = await to.cli('events', '--forget', 'crm');
    expect([refused.exitCode, refused.stderr.join('\n')]).toEqual([
      1,
      expect.stringContaining('a process reads the group crm'),
    ]);
    await log.close();
    expect(jsonLinesOf(await to.cli('events', '--json'))).toEqual([{ ...group, isRead: false }]);
    expect(await to.cli('events', '--forget', 'crm', '--by', 'lan')).toMatchObject({ exitCode: 0 });
    expect(await to.cli('events')).toMatchObject({ exitCode: 0, stdout: [] });
    const recorded = jsonLinesOf(await to.cli('audit', '--json'));
    expect(recorded).toMatchObject([{ action: 'forget events', by: 'lan', selection: 'group crm', result: 'done' }]);
  });

  it('says so if there is no such group', async () => {
    await using to = await installWithCli(used.server, { startWorker: false });
    await to.enqueue(textMessage('c1', 1));
    const { exitCode, stderr } = await to.cli('events', '--forget', 'crm');
    expect([exitCode, stderr.join('\n')]).toEqual([1, expect.stringContaining('there is no group crm')]);
  });
});
