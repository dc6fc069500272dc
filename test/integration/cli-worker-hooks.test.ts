import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProducer, type MessageRecord, type Producer } from '../../src/producer/index.ts';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { startCommand } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { useFolder } from '../support/use-folder.ts';
import { useRedis } from '../support/use-redis.ts';

describe.concurrent('kitechat-sender worker with a file of hooks', () => {
  const server = useRedis();
  const folder = useFolder();
  const on = (namespace: string): Record<string, string> => ({
    REDIS_URL: server.url,
    KITECHAT_NAMESPACE: namespace,
    KITECHAT_BACKOFF_MS: '20',
    KITECHAT_BACKOFF_MAX_MS: '40',
  });
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const until = async (producer: Producer, id: string, status: MessageRecord['status']): Promise<MessageRecord> =>
    await eventually(`message ${id} is ${status}`, async () => {
      const record = await producer.getMessage(id);
      return record?.status === status && record;
    });

  it('takes the key of a page from --hooks, without any other key, and what answers mean; the flag wins', async () => {
    const file = write(
      'all.mjs',
      `export const resolveApiKey = async (pageId) => 'key-of-' + pageId;
       export const classifyResponse = ({ body }) => (body === 'busy' ? { outcome: 'failed' } : undefined);`,
    );
    await using api = await startFakeKitechat({
      faults: [{ kind: 'status', status: 200, body: 'busy', times: 1, accept: false }],
    });
    await using producer = createProducer({ redisUrl: server.url, namespace: 'flag' });
    const { id } = await producer.enqueueMessage(textMessage('c1', 1));
    await using worker = startCommand(['worker', '--hooks', relative(process.cwd(), file)], {
      ...on('flag'),
      KITECHAT_API_URL: api.url,
      KITECHAT_HOOKS_FILE: join(folder, 'nothing.mjs'),
    });
    const record = await until(producer, id, 'delivered');
    expect(record.attempts.map(({ outcome }) => outcome)).toEqual(['failed', 'delivered']);
    expect(api.requests.map(({ headers }) => headers['apikey'])).toEqual(['key-of-p1', 'key-of-p1']);
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
    expect(worker.stderr).toEqual([]);
    const used = worker.stdout.filter((line) => line.includes('using hooks from a file'));
    expect(used.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { hooks: ['classifyResponse', 'resolveApiKey'] },
    ]);
  });

  it('takes beforeSend and ky from KITECHAT_HOOKS_FILE', async () => {
    const file = write(
      'before.ts',
      `import ky from ${JSON.stringify(import.meta.resolve('ky'))};
       import type { BeforeSend } from 'kitechat-sender/worker';
       const beforeSend: BeforeSend = ({ label }) => (label === 'forbidden' ? { outcome: 'rejected' } : undefined);
       export default { beforeSend, ky: ky.create({ headers: { 'x-from': 'crm' } }) };`,
    );
    await using api = await startFakeKitechat();
    await using producer = createProducer({ redisUrl: server.url, namespace: 'variable' });
    const forbidden = await producer.enqueueMessage(textMessage('c1', 1), { label: 'forbidden' });
    const allowed = await producer.enqueueMessage(textMessage('c1', 2));
    await using _worker = startCommand(['worker'], {
      ...on('variable'),
      KITECHAT_API_URL: api.url,
      KITECHAT_API_KEY: 'key',
      KITECHAT_HOOKS_FILE: file,
    });
    await until(producer, allowed.id, 'delivered');
    expect(await producer.getMessage(forbidden.id)).toMatchObject({
      status: 'dead',
      attempts: [{ outcome: 'rejected', detail: 'beforeSend: rejected, nothing was sent', usedAttempt: true }],
    });
    expect(api.requests.map(({ headers, body }) => [headers['x-from'], body])).toEqual([['crm', textMessage('c1', 2)]]);
  });

  it('says what is wrong with the file, by the flag or the variable, and exits with 2', async () => {
    const file = write('typo.mjs', 'export const beforSend = () => undefined;');
    const problem = 'exports beforSend, which is no hook; did you mean beforeSend?';
    const env = { ...on('wrong'), KITECHAT_API_KEY: 'key' };
    const byFlag = await runCommand(['worker', '--hooks', file], env);
    expect([byFlag.exitCode, byFlag.stdout]).toEqual([2, []]);
    expect(byFlag.stderr.join('\n')).toContain(`- --hooks: ${problem}`);
    const byVariable = await runCommand(['worker'], { ...env, KITECHAT_HOOKS_FILE: file });
    expect([byVariable.exitCode, byVariable.stdout]).toEqual([2, []]);
    expect(byVariable.stderr.join('\n')).toContain(`- KITECHAT_HOOKS_FILE: ${problem}`);
  });

  it('without resolveApiKey in it, the worker still needs a key', async () => {
    const file = write('keyless.mjs', 'export const beforeSend = () => undefined;');
    const { exitCode, stderr } = await runCommand(['worker', '--hooks', file], on('keyless'));
    expect(exitCode).toBe(2);
    expect(stderr.join('\n')).toContain('KITECHAT_API_KEY');
  });

  it('can be stopped while the file is loaded', async () => {
    const file = write('hangs.mjs', `console.error('loading'); await new Promise(() => {});`);
    await using worker = startCommand(['worker', '--hooks', file], { ...on('hangs'), KITECHAT_API_KEY: 'key' });
    await worker.lineWhere('stderr', (line) => line === 'loading');
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
  });
});
