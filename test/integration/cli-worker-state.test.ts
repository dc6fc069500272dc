import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { newFolderOfTest } from '../support/folder-of-test.ts';
import { runCommand } from '../support/run-command.ts';
import { useRedis } from '../support/use-redis.ts';

const server = useRedis();

describe('kitechat-sender worker', () => {
  it.each([
    ['KITECHAT_STATE_DIR', 'the folder of systemd', { STATE_DIRECTORY: '/nowhere' }],
    ['STATE_DIRECTORY', 'further folders of the unit', {}],
  ])('remembers how far Redis has come in the folder of %s, before %s', async (variable, _other, others) => {
    const folder = newFolderOfTest();
    const file = join(folder, `${variable.toLowerCase()}.0.json`);
    const interrupted = new AbortController();
    const env = {
      REDIS_URL: server.url,
      KITECHAT_NAMESPACE: variable.toLowerCase(),
      KITECHAT_API_KEY: 'key',
      LOG_LEVEL: 'silent',
      ...others,
      [variable]: variable === 'STATE_DIRECTORY' ? `${folder}:/nowhere` : folder,
    };
    const running = runCommand(['worker'], env, '', interrupted.signal);
    await eventually('the file is written', () => existsSync(file));
    interrupted.abort();
    expect(await running).toMatchObject({ exitCode: 0 });
    const marks = JSON.parse(readFileSync(file, 'utf8')) as object;
    expect(Object.values(marks)).toEqual([{ mark: expect.any(Number) as number, at: expect.any(Number) as number }]);
  });
});
