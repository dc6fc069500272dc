import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDeadWebhooks, type DeadWebhooks } from '../../src/notify/index.ts';
import { createSession } from '../../src/shared/session/session.ts';
import { type CliInstallation, installWithCli, jsonLinesOf, onlyJsonOf } from '../support/cli-installation.ts';
import { textMessage } from '../support/messages.ts';
import { deliveredEvent } from '../support/notify/events.ts';
import { newSecret, startWebhookReceiver, type WebhookReceiver } from '../support/notify/webhook-receiver.ts';
import { completed } from '../support/settings.ts';
import { useFolder } from '../support/use-folder.ts';
import { useRedis } from '../support/use-redis.ts';

const used = useRedis();
const folder = useFolder();
let files = 0;

function fileWith(secret: string): string {
  const path = join(folder, `secret-${(files += 1)}`);
  writeFileSync(path, secret, { mode: 0o600 });
  return path;
}

interface Site extends CliInstallation {
  dead: DeadWebhooks;
  receiver: WebhookReceiver;
  /** The options that name the receiver. */
  toReceiver: string[];
}

/** An installation with a receiver and three dead letters: two of the conversation `a`, then one of `b`. */
async function installWithDead(): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const installation = stack.use(await installWithCli(used.server, { startWorker: false }));
  const receiver = stack.use(await startWebhookReceiver());
  await installation.enqueue(textMessage('c1', 1));
  const { namespace = '' } = installation.config;
  const session = stack.adopt(createSession(completed(installation.config)), (one) => one.close());
  const dead = createDeadWebhooks({ session, namespace, group: 'notify', timeoutMs: 5000 });
  for (const [n, conversation] of ['a', 'a', 'b'].entries()) {
    const deadAt = new Date(1_800_000_000_000 + n).toISOString();
    await dead.add({ event: deliveredEvent(conversation, n), attempts: 8, status: 400, failure: null, deadAt });
  }
  const toReceiver = ['--url', receiver.url, '--secret-file', fileWith(receiver.secret)];
  const owned = stack.move();
  return { ...installation, dead, receiver, toReceiver, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

describe.concurrent('notify', () => {
  it.each([
    ['http to another machine', ['--url', 'http://example.com/'], /--url: must begin with https:\/\/.*--allow-http/],
    ['no URL', ['--url', 'example.com'], /--url: must be a valid http or https URL/],
    ['a password in the URL', ['--url', 'https://u:CANARY@example.com/'], /--url: must not contain a user or password/],
    ['no group name', ['--url', 'https://example.com/', '--group', 'a b'], /It must have 1 to 64 letters/],
    ['no concurrency', ['--url', 'https://example.com/', '--concurrency', '0'], /It must be from 1 to 1000/],
  ])('refuses %s: exit 2', async (_what, args, problem) => {
    await using site = await installWithCli(used.server, { startWorker: false });
    const result = await site.cli('notify', '--secret-file', fileWith(newSecret()), ...args);
    expect(result.exitCode).toBe(2);
    expect(result.stderr.join('\n')).toMatch(problem);
    expect(result.stderr.join('\n')).not.toContain('CANARY');
  });

  it('refuses a file without a secret, and does not quote it: exit 2', async () => {
    await using site = await installWithCli(used.server, { startWorker: false });
    const result = await site.cli('notify', '--url', 'https://example.com/', '--secret-file', fileWith('CANARY'));
    expect(result.exitCode).toBe(2);
    expect(result.stderr.join('\n')).toMatch(/--secret-file: line 1: must be whsec_/);
    expect(result.stderr.join('\n')).not.toContain('CANARY');
  });
});

describe.concurrent('webhooks list', () => {
  it('shows the newest first, as a table and as JSON', async () => {
    await using site = await installWithDead();
    const table = await site.cli('webhooks', 'list', '--limit', '2');
    expect(table.stdout.map((line) => line.split(/ {2,}/))).toMatchObject([
      ['id', 'dead at', 'attempts', 'last answer', 'page', 'conversation'],
      ['0-b-2.delivered.2', expect.anything(), '8', '400', 'p1', 'b'],
      ['0-a-1.delivered.1', expect.anything(), '8', '400', 'p1', 'a'],
    ]);
    expect(table.stderr).toEqual(['2 shown, 3 in all']);
    expect(jsonLinesOf(await site.cli('webhooks', 'list', '--json'))).toEqual((await site.dead.list()).toReversed());
  });

  it('of another group is empty', async () => {
    await using site = await installWithDead();
    const result = await site.cli('webhooks', 'list', '--group', 'crm');
    expect(result).toMatchObject({ exitCode: 0, stdout: [], stderr: ['0 shown, 0 in all'] });
  });
});

describe.concurrent('webhooks replay', () => {
  it('sends all again, oldest first, removes what was accepted, and is recorded', async () => {
    await using site = await installWithDead();
    const result = await site.cli('webhooks', 'replay', '--all', '--json', '--why', 'fixed', ...site.toReceiver);
    expect(onlyJsonOf(result)).toEqual({ matched: 3, done: 3, failed: [] });
    expect(result.exitCode).toBe(0);
    expect(site.receiver.accepted().map(({ id }) => id)).toEqual([
      '0-a-0.delivered.0',
      '0-a-1.delivered.1',
      '0-b-2.delivered.2',
    ]);
    expect(await site.dead.list()).toEqual([]);
    expect(onlyJsonOf(await site.cli('audit', '--json'))).toMatchObject({
      action: 'replay webhooks',
      selection: 'webhooks of the group notify, all',
      reason: 'fixed',
      matched: 3,
      done: 3,
      result: 'done',
    });
  });

  it('leaves what is refused, and the later events of its conversation: exit 1', async () => {
    await using site = await installWithDead();
    site.receiver.answerTo = ({ id }) => (id === '0-a-0.delivered.0' ? 422 : 204);
    const result = await site.cli('webhooks', 'replay', '--all', ...site.toReceiver);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toEqual([
      '0-a-0.delivered.0: not accepted: 422',
      '0-a-1.delivered.1: an earlier event of its conversation was not accepted',
    ]);
    expect((await site.dead.list()).map(({ event }) => event.id)).toEqual(['0-a-0.delivered.0', '0-a-1.delivered.1']);
  });

  it('sends those with the given ids, and names ids that it does not know: exit 1', async () => {
    await using site = await installWithDead();
    const ids = ['0-b-2.delivered.2', 'unknown'];
    const result = await site.cli('webhooks', 'replay', '--id', ...ids, ...site.toReceiver);
    expect(result).toMatchObject({ exitCode: 1, stderr: ['unknown: no such event'] });
    expect(site.receiver.accepted().map(({ id }) => id)).toEqual(['0-b-2.delivered.2']);
  });

  it('stops at a receiver that is away', async () => {
    await using site = await installWithDead();
    await site.receiver[Symbol.asyncDispose]();
    site.receiver[Symbol.asyncDispose] = async () => {};
    const result = await site.cli('webhooks', 'replay', '--all', ...site.toReceiver);
    expect(result).toMatchObject({ exitCode: 1, stderr: ['0-a-0.delivered.0: not accepted: ECONNREFUSED'] });
    expect(await site.dead.count()).toBe(3);
  });
});

describe.concurrent('webhooks discard', () => {
  it('removes events, and is recorded', async () => {
    await using site = await installWithDead();
    const result = await site.cli('webhooks', 'discard', '--id', '0-b-2.delivered.2', '--yes', '--json');
    expect(onlyJsonOf(result)).toEqual({ matched: 1, done: 1 });
    expect(await site.dead.count()).toBe(2);
    expect(onlyJsonOf(await site.cli('audit', '--json'))).toMatchObject({
      action: 'discard webhooks',
      ids: ['0-b-2.delivered.2'],
      done: 1,
    });
  });

  it('needs a confirmation, and a choice: exit 2', async () => {
    await using site = await installWithDead();
    expect((await site.cli('webhooks', 'discard', '--all')).exitCode).toBe(2);
    expect((await site.cli('webhooks', 'discard', '--yes')).exitCode).toBe(2);
    expect((await site.cli('webhooks', 'discard', '--yes', '--all', '--id', 'x')).exitCode).toBe(2);
    expect(await site.dead.count()).toBe(3);
  });
});
