import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openPostgresStore } from '../../bench/stage/postgres-store.ts';
import type { Store } from '../../bench/stage/stores.ts';
import { openLedger } from '../../src/shared/ledger/open-ledger.ts';
import type { SettledEvent } from '../../src/shared/model/event.ts';
import { installWithCli } from '../support/cli-installation.ts';
import { type CommandProcess, startCommand } from '../support/command-line.ts';
import { encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { newFolderOfTest } from '../support/folder-of-test.ts';
import { textMessage } from '../support/messages.ts';
import { CUT, startRedisProxy } from '../support/redis-proxy.ts';
import { useRedis } from '../support/use-redis.ts';
import type { Installation } from '../support/worker.ts';

const used = useRedis();
let postgres: Store;

beforeAll(async () => {
  postgres = await openPostgresStore();
});

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

/** Starts `ledger`, and waits until its group gets events. */
async function startLedger(
  to: Installation & { env: Record<string, string> },
  args: string[],
  env = {},
): Promise<CommandProcess> {
  const command = startCommand(['ledger', ...args], { ...to.env, LOG_LEVEL: 'debug', ...env });
  onTestFinished(() => command[Symbol.asyncDispose]());
  await command.lineWhere('stdout', (line) => line.includes('"msg":"keeping events"'));
  await untilInGroup(to);
  return command;
}

/** Waits until all events from now on are for the group. */
async function untilInGroup({ config }: Installation): Promise<void> {
  const readers = `{${config.namespace}:0}:readers`;
  await eventually('the group is there', async () => (await used.redis.hexists(readers, 'seen:ledger')) === 1);
}

/** Delivers messages, in three conversations. */
async function deliver(to: Installation, numbers: readonly number[]): Promise<string[]> {
  const ids = await Promise.all(numbers.map(async (n) => await to.enqueue(textMessage(`c${n % 3}`, n))));
  for (const id of ids) await to.until(id, 'delivered');
  return ids;
}

async function storiesIn(place: string, to: Installation): Promise<SettledEvent[]> {
  const ledger = await openLedger(place, { namespace: to.config.namespace ?? '' });
  try {
    const stories = ['c0', 'c1', 'c2'].map(
      async (conversationId) => await ledger.read({ pageId: 'p1', conversationId, limit: 1000 }),
    );
    return (await Promise.all(stories)).flat();
  } finally {
    await ledger.close();
  }
}

async function untilKept(place: string, to: Installation, ids: readonly string[]): Promise<SettledEvent[]> {
  return await eventually('all events are kept', async () => {
    const events = await storiesIn(place, to);
    return ids.every((id) => events.some(({ messageId }) => messageId === id)) && events;
  });
}

const textsOf = (command: CommandProcess): string[] =>
  command.stdout.map((line) => (JSON.parse(line) as { msg: string }).msg);
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

describe('the command ledger', () => {
  it('keeps what became of each message in a folder, without content, and ends with exit code 0', async () => {
    await using to = await installWithCli(used.server);
    const dir = newFolderOfTest();
    const old = join(dir, to.config.namespace ?? '', '2020-01-01');
    mkdirSync(old, { recursive: true });
    const command = await startLedger(to, ['--dir', dir, '--keep-days', '30']);
    await eventually('the old day is gone', () => !existsSync(old));
    const ids = await deliver(to, numbers(0, 30));
    const events = await untilKept(dir, to, ids);
    expect(events).toHaveLength(30);
    expect(events[0]).toMatchObject({ type: 'delivered', pageId: 'p1', httpStatus: 200, proof: 'api' });
    command.kill('SIGTERM');
    expect(await command.ended()).toBe(0);
    const files = globSync('**/*.ndjson', { cwd: dir }).map((name) => readFileSync(join(dir, name), 'utf8'));
    expect(files.join('')).not.toContain('message 1');
    // By this, docs/ledger.md deletes a conversation.
    expect(files.join('')).toContain('"pageId":"p1","conversationId":"c1"');
    expect(textsOf(command).at(-1)).toBe('stopped keeping events');
  });

  it('loses nothing when it is killed, and keeps nothing twice', async () => {
    await using to = await installWithCli(used.server);
    const dir = newFolderOfTest();
    const ids: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const command = await startLedger(to, ['--dir', dir]);
      const delivering = deliver(to, numbers(round * 20, round * 20 + 20));
      await command.lineWhere('stdout', (line) => line.includes('kept events'));
      command.kill('SIGKILL');
      await command.ended();
      ids.push(...(await delivering));
    }
    const last = await startLedger(to, ['--dir', dir]);
    const events = await untilKept(dir, to, ids);
    expect(events.map(({ messageId }) => messageId).toSorted()).toEqual(ids.toSorted());
    last.kill('SIGTERM');
    expect(await last.ended()).toBe(0);
  });

  it('waits while PostgreSQL is away, says so once, and never shows the password', async () => {
    await using to = await installWithCli(used.server);
    await using proxy = await startRedisProxy(Number(new URL(postgres.url).port));
    const place = new URL(postgres.url);
    place.port = new URL(proxy.url).port;
    place.password = 'SECRET';
    const command = await startLedger(to, [], { KITECHAT_LEDGER: place.href });
    const first = await deliver(to, numbers(0, 10));
    await untilKept(postgres.url, to, first);
    proxy.requests = () => CUT;
    const second = await deliver(to, numbers(10, 20));
    await command.lineWhere('stdout', (line) => line.includes("the ledger can't be written"));
    const connections = proxy.connections;
    await eventually('it has tried again', () => proxy.connections > connections + 1);
    proxy.requests = () => 'pass';
    await untilKept(postgres.url, to, [...first, ...second]);
    await command.lineWhere('stdout', (line) => line.includes('can be written again'));
    expect(textsOf(command).filter((text) => text.startsWith("the ledger can't be written"))).toHaveLength(1);
    command.kill('SIGTERM');
    expect(await command.ended()).toBe(0);
    expect([...command.stdout, ...command.stderr].join('\n')).not.toContain('SECRET');
    expect(command.stdout[0]).toContain(`PostgreSQL at ${place.host}${place.pathname}`);
  });

  it('ends while PostgreSQL is away; the next start keeps what waited', async () => {
    await using to = await installWithCli(used.server);
    const away = startCommand(['ledger', '--postgres', 'postgres://u:SECRET@127.0.0.1:9/app'], to.env);
    onTestFinished(() => away[Symbol.asyncDispose]());
    await untilInGroup(to);
    const ids = await deliver(to, numbers(0, 5));
    await away.lineWhere('stdout', (line) => line.includes('ECONNREFUSED'));
    away.kill('SIGTERM');
    expect(await away.ended()).toBe(0);
    await startLedger(to, ['--postgres', postgres.url]);
    expect(await untilKept(postgres.url, to, ids)).toHaveLength(5);
  });

  it('keeps content if it is told to; encrypted content stays encrypted', async () => {
    const { path: encryptionKeysFile } = newKeysFile(encryptionKeys('k1'));
    await using to = await installWithCli(used.server, { config: { encryptionKeysFile } });
    await using plain = await installWithCli(used.server);
    await Promise.all([to, plain].map((one) => startLedger(one, ['--content', '--postgres', postgres.url])));
    const [sealed = '', open = ''] = (await Promise.all([to, plain].map((one) => deliver(one, [1])))).flat();
    const [ofSealed] = await untilKept(postgres.url, to, [sealed]);
    const [ofOpen] = await untilKept(postgres.url, plain, [open]);
    expect(ofOpen?.request).toEqual(textMessage('c1', 1));
    expect(ofSealed?.request).toEqual({ pageId: 'p1', conversationId: 'c1', sealed: expect.any(String) as string });
    const database = new Pool({ connectionString: postgres.url });
    const { rows } = await database.query(
      `SELECT count(*)::int AS count FROM kitechat_events WHERE namespace = $1 AND (event::text LIKE '%message 1%' OR request::text LIKE '%message 1%')`,
      [to.config.namespace],
    );
    await database.end();
    expect(rows).toEqual([{ count: 0 }]);
  });

  it('says what is missing', async () => {
    await using to = await installWithCli(used.server, { startWorker: false });
    const nowhere = await to.cli('ledger');
    expect(nowhere.exitCode).toBe(2);
    expect(nowhere.stderr.join('\n')).toContain('KITECHAT_LEDGER: is not set');
    const wrong = await to.cli('ledger', '--dir', 'x', '--keep-days', '0');
    expect(wrong.exitCode).toBe(2);
  });
});
