import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as Package from '../../src/producer/index.ts';
import { connectionName } from '../../src/shared/lanes/key-names.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { settled } from '../support/settled.ts';
import { useProducers } from '../support/use-producers.ts';

const reloading = new URL('../support/reloaded-producer-process.ts', import.meta.url).pathname;

describe('the default producer', () => {
  const used = useProducers();
  let ours: typeof Package;
  let tests = 0;
  let namespace: string;

  /** Evaluates the package anew, as a dev server does after an edit. */
  const evaluate = async (): Promise<typeof Package> => {
    vi.resetModules();
    return await import('../../src/producer/index.ts');
  };

  const connectionsOf = async (name: string): Promise<string[]> => {
    const clients = String(await used.redis.client('LIST')).split('\n');
    return clients.filter((client) => client.includes(` name=${connectionName(name)} `)).map((client) => idOf(client));
  };
  const connections = (): Promise<string[]> => connectionsOf(namespace);

  const noneLeft = async (): Promise<true> =>
    await eventually('no connection is left', async () => (await connections()).length === 0);

  beforeEach(async () => {
    namespace = `default-${(tests += 1)}`;
    vi.stubEnv('REDIS_URL', used.url);
    vi.stubEnv('KITECHAT_NAMESPACE', namespace);
    ours = await evaluate();
  });

  afterEach(async () => {
    await ours.closeDefaultProducer();
    vi.unstubAllEnvs();
  });

  it('has one connection after twenty hot reloads, and its process ends after it was closed', async () => {
    const child = spawn(process.execPath, [reloading], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const ended = once(child, 'exit');
    expect(JSON.parse(String((await lines.next()).value))).toEqual({ evaluations: 20 });
    expect(await connections()).toHaveLength(1);
    child.stdin.write('close\n');
    const { open } = JSON.parse(String((await lines.next()).value)) as { open: string[] };
    expect(open).not.toContain('TCPSocketWrap');
    expect(await ended).toEqual([0, null]);
  });

  it('is shared by all evaluations of the package, and any of them closes it', async () => {
    await ours.enqueueMessage(textMessage('c1', 1));
    const [id] = await connections();
    const other = await evaluate();
    await other.enqueueMessages([textMessage('c1', 2)]);
    expect(await connections()).toEqual([id]);
    await other.closeDefaultProducer();
    await noneLeft();
    await ours.enqueueMessage(textMessage('c1', 3));
    await other.enqueueMessage(textMessage('c1', 4));
    expect(await connections()).toHaveLength(1);
  });

  it('is not shared with another version of the package', async () => {
    await ours.enqueueMessage(textMessage('c1', 1));
    vi.doMock('../../src/shared/version.ts', async (original) => ({ ...(await original<object>()), version: '0.0.1' }));
    const older = await evaluate();
    vi.doUnmock('../../src/shared/version.ts');
    await older.enqueueMessage(textMessage('c1', 2));
    expect(await connections()).toHaveLength(2);
    await older.closeDefaultProducer();
    await eventually('its connection is closed', async () => (await connections()).length === 1);
  });

  it('follows an environment that changed before a reload, and closes the connection of the old one', async () => {
    await ours.enqueueMessage(textMessage('c1', 1));
    vi.stubEnv('KITECHAT_NAMESPACE', `${namespace}-changed`);
    await ours.enqueueMessage(textMessage('c1', 2));
    expect(await connectionsOf(`${namespace}-changed`)).toEqual([]);
    const reloaded = await evaluate();
    await reloaded.enqueueMessage(textMessage('c1', 3));
    expect(await connectionsOf(`${namespace}-changed`)).toHaveLength(1);
    await noneLeft();
    await ours.enqueueMessage(textMessage('c1', 4));
    await noneLeft();
  });

  it('is closed after the calls under way; a call after that opens a new connection', async () => {
    await ours.enqueueMessage(textMessage('c1', 0));
    const [before] = await connections();
    const calls = Array.from({ length: 100 }, (_, n) => settled(ours.enqueueMessage(textMessage('c1', n + 1))));
    const closed = ours.closeDefaultProducer();
    const duringClose = settled(ours.enqueueMessage(textMessage('c1', 101)));
    await closed;
    for (const { error, value } of await Promise.all([...calls, duringClose])) {
      expect(error).toBeUndefined();
      expect(value).toMatchObject({ duplicate: false });
    }
    await eventually('only a new connection is left', async () => {
      const left = await connections();
      return left.length === 1 && left[0] !== before;
    });
  });

  it('is closed by several calls at once, each of which waits for the messages under way', async () => {
    const order: string[] = [];
    const note = (what: string) => () => order.push(what);
    await Promise.all([
      ours.enqueueMessage(textMessage('c1', 1)).then(note('stored')),
      ours.closeDefaultProducer().then(note('closed')),
      (await evaluate()).closeDefaultProducer().then(note('closed')),
    ]);
    expect(order).toEqual(['stored', 'closed', 'closed']);
    await noneLeft();
  });

  it('needs no closing: without a producer, closing does nothing', async () => {
    vi.stubEnv('REDIS_URL', 'nonsense');
    await ours.closeDefaultProducer();
    await ours.closeDefaultProducer();
    expect(await connections()).toEqual([]);
  });

  it('is made anew after a wrong environment was mended', async () => {
    vi.stubEnv('REDIS_URL', 'nonsense');
    await expect(ours.enqueueMessage(textMessage('c1', 1))).rejects.toBeInstanceOf(ours.ConfigError);
    await expect(ours.enqueueMessages([textMessage('c1', 1)])).rejects.toBeInstanceOf(ours.ConfigError);
    vi.stubEnv('REDIS_URL', used.url);
    expect(await ours.enqueueMessage(textMessage('c1', 1))).toMatchObject({ duplicate: false });
  });

  it('is made anew after an environment was mended of which only Redis could say that it is wrong', async () => {
    await ours.enqueueMessage(textMessage('c1', 1));
    await ours.closeDefaultProducer();
    vi.stubEnv('KITECHAT_SHARDS', '3');
    const { error } = await settled(ours.enqueueMessage(textMessage('c1', 2)));
    expect(error).toBeInstanceOf(ours.ConfigError);
    vi.stubEnv('KITECHAT_SHARDS', '1');
    expect(await ours.enqueueMessage(textMessage('c1', 2))).toMatchObject({ duplicate: false });
    await eventually('one connection is left', async () => (await connections()).length === 1);
  });

  it('throws errors that every evaluation of the package knows by their class', async () => {
    vi.stubEnv('KITECHAT_MAX_QUEUED', '1');
    await ours.enqueueMessage(textMessage('c1', 1));
    const other = await evaluate();
    expect(other.QueueFullError).not.toBe(ours.QueueFullError);
    const { error } = await settled(other.enqueueMessage(textMessage('c1', 2)));
    for (const { QueueFullError, KitechatSenderError, ConfigError } of [ours, other]) {
      expect(error).toBeInstanceOf(QueueFullError);
      expect(error).toBeInstanceOf(KitechatSenderError);
      expect(error).not.toBeInstanceOf(ConfigError);
    }
    const bulk = (await settled(other.enqueueMessages([textMessage('c1', 3)]))).error;
    expect(bulk).toBeInstanceOf(other.BulkEnqueueError);
    expect(bulk).toMatchObject({ results: [{ error: expect.any(other.QueueFullError) as unknown }] });
  });

  it('shows none of its settings to those who print what is global', async () => {
    vi.stubEnv('REDIS_URL', used.url.replace('//', '//:CANARY@'));
    await settled(ours.enqueueMessage(textMessage('c1', 1)));
    const places = Object.getOwnPropertySymbols(globalThis).filter(({ description = '' }) =>
      description.startsWith('kitechat-sender'),
    );
    expect(places).not.toEqual([]);
    const shown = inspect(
      places.map((place) => (globalThis as Record<symbol, unknown>)[place]),
      { depth: 9, showHidden: true },
    );
    expect(shown).toContain('enqueueMessage');
    expect(shown).not.toContain('CANARY');
  });
});

function idOf(client: string): string {
  return /\bid=(\d+)/.exec(client)?.[1] ?? '';
}
