import { describe, expect, it } from 'vitest';
import { installWithCli } from '../support/cli-installation.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';

const server = useRedis();

describe.concurrent('kitechat-sender cancel', () => {
  it('cancels a message that waits, and says so', async () => {
    await using to = await installWithCli(server, { startWorker: false });
    const [first, second] = [await to.enqueue(textMessage('c1', 1)), await to.enqueue(textMessage('c1', 2))];
    expect(await to.cli('cancel', first, '--json')).toEqual({
      exitCode: 0,
      stdout: [`{"id":"${first}","result":"cancelled"}`],
      stderr: [],
    });
    const asTable = await to.cli('cancel', second);
    expect(asTable).toEqual({
      exitCode: 0,
      stdout: [expect.stringMatching(/^id +result$/), `${second}  cancelled`],
      stderr: [],
    });
    const { stdout } = await to.cli('message', first);
    expect(stdout).toContain('status        cancelled');
  });

  it('exits 1 for one that was sent, and says that it is too late', async () => {
    await using to = await installWithCli(server);
    const id = await to.enqueue(textMessage('c1', 1));
    await to.until(id, 'delivered');
    expect(await to.cli('cancel', id, '--json')).toEqual({
      exitCode: 1,
      stdout: [`{"id":"${id}","result":"too-late"}`],
      stderr: [expect.stringContaining(`${id} is not cancelled: it is being sent or has ended`)],
    });
  });

  it('exits 1 for an id that is not known, or none', async () => {
    await using to = await installWithCli(server, { startWorker: false });
    for (const id of [unknownId, 'nonsense']) {
      expect(await to.cli('cancel', id, '--json')).toEqual({
        exitCode: 1,
        stdout: [`{"id":"${id}","result":"not-found"}`],
        stderr: [expect.stringContaining(`${id} is not cancelled: it is unknown`)],
      });
    }
  });
});
