import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openDeadLetters } from '../../src/dead-letters/index.ts';
import {
  type ChangeUncertainError,
  createProducer,
  EnqueueUncertainError,
  KitechatSenderError,
  QueueUnavailableError,
} from '../../src/producer/index.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { settled } from '../support/settled.ts';
import { storedIds } from '../support/stored-messages.ts';
import { useDesks } from '../support/use-desks.ts';
import { useProducers } from '../support/use-producers.ts';
import { writeLetters } from '../support/written-letters.ts';

const SECRET = 'hunter2';
const message = textMessage('c1', 1);

/** What a wrong bundle may do to a client of Redis: a command throws before it is sent. */
function breakBefore(command: 'get' | 'evalsha' | 'hgetall' | 'pipeline'): void {
  vi.spyOn(Redis.prototype, command).mockImplementation(() => {
    throw new TypeError(`${SECRET} is not a function`);
  });
}

/** Redis carries the scripts out, but their answers are lost in a fault. */
function breakAfterScripts(): void {
  for (const command of ['evalsha', 'eval'] as const) {
    const original = Redis.prototype[command] as (...args: unknown[]) => Promise<unknown>;
    vi.spyOn(Redis.prototype, command).mockImplementation(async function broken(this: Redis, ...args: unknown[]) {
      await original.apply(this, args);
      throw new TypeError(`${SECRET} is not a function`);
    });
  }
}

/** Gives connections that are opened from now on another text for a script. */
function replaceScript(name: string, lua: string): void {
  const original = Redis.prototype.defineCommand;
  vi.spyOn(Redis.prototype, 'defineCommand').mockImplementation(function replaced(this: Redis, ...[defined, script]) {
    original.call(this, defined, defined === name ? { ...script, lua } : script);
  });
}

function told({ error }: { error: unknown }): KitechatSenderError {
  expect(error).toBeInstanceOf(KitechatSenderError);
  const { message: text } = error as Error;
  expect(text).not.toMatch(/connection to Redis|Redis is running|did not answer/);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
  return error as KitechatSenderError;
}

afterEach(() => void vi.restoreAllMocks());

describe('a fault of this package, or of the bundle that it is in', () => {
  const used = useProducers();

  it('before the message has left is told as one, and nothing is stored', async () => {
    await using producer = used.producerOf('before');
    breakBefore('get');
    const error = told(await settled(producer.enqueueMessage(message)));
    expect(error).toBeInstanceOf(QueueUnavailableError);
    expect(error.message).toMatch(
      /^Internal error: TypeError, a fault of kitechat-sender .* Nothing was written\. Please report/,
    );
    expect(error).toMatchObject({ isInternal: true, cause: { name: 'TypeError' } });
    expect((error.cause as Error).stack).toMatch(/\n\s+at .*:\d+:\d+/);
    expect(await used.redis.keys('*before*')).toEqual([]);
  });

  it('after the message has left is told as one, and the message is found by the id of the error', async () => {
    await using producer = used.producerOf('after');
    breakAfterScripts();
    const error = told(await settled(producer.enqueueMessage(message)));
    vi.restoreAllMocks();
    expect(error).toBeInstanceOf(EnqueueUncertainError);
    expect(error.message).toMatch(/^Internal error: TypeError, .* may have been stored with the id/);
    expect(error).toMatchObject({ isInternal: true, cause: { name: 'TypeError' } });
    expect(await producer.getMessage((error as EnqueueUncertainError).id)).toMatchObject({ status: 'queued' });
  });

  it('in each message of many is told for each', async () => {
    await using producer = used.producerOf('many');
    breakAfterScripts();
    const { error } = await settled(producer.enqueueMessages([message, message]));
    expect(error).toMatchObject({ code: 'BULK_ENQUEUE', results: [1, 2].map(() => ({ error: { isInternal: true } })) });
  });

  it('in a query is told as one', async () => {
    await using producer = used.producerOf('others');
    const { id } = await producer.enqueueMessage(message);
    breakBefore('hgetall');
    expect(told(await settled(producer.getMessage(id)))).toMatchObject({ code: 'QUEUE_UNAVAILABLE', isInternal: true });
  });

  it.each([
    ['gives no answer', 'return nil'],
    ['gives another answer', 'return 5'],
    ['gives another verdict', 'return { "done" }'],
    ['gives another list', 'return { { "done", "1" } }'],
    ['fails', 'local nothing; return nothing.x'],
    ['calls a command wrongly', 'return redis.call("GET")'],
  ])('that makes another script run, which %s, is told as one, and the message may be stored', async (how, lua) => {
    replaceScript('laneEnqueue', lua);
    await using producer = used.producerOf(how.replaceAll(' ', '-'));
    const error = told(await settled(producer.enqueueMessage(message)));
    expect(error).toBeInstanceOf(EnqueueUncertainError);
    expect(error).toMatchObject({
      isInternal: true,
    });
  });

  it('that breaks a script is told as one, and nothing is stored, since the script never ran', async () => {
    replaceScript('laneEnqueue', 'retur 5');
    await using producer = used.producerOf('does-not-compile');
    const error = told(await settled(producer.enqueueMessage(message)));
    expect(error).toBeInstanceOf(QueueUnavailableError);
    expect(error).toMatchObject({ isInternal: true, cause: { name: 'ReplyError', code: 'ERR' } });
  });

  it('in a replay is told as one, and the entry may be replayed or not', async () => {
    const [id = ''] = await writeLetters(used.redis, 'replayed', [
      { pageId: 'p1', conversationId: 'c', text: 'x', deadAtMs: 1 },
    ]);
    await using deadLetters = openDeadLetters({ redisUrl: used.url, namespace: 'replayed' });
    breakAfterScripts();
    const error = told(await settled(deadLetters.replay({ ids: [id] })));
    expect(error).toMatchObject({ code: 'CHANGE_UNCERTAIN', isInternal: true } satisfies Partial<ChangeUncertainError>);
    expect((error.cause as Error).stack).toMatch(/^TypeError.*\n\s+at /);
  });
});

describe('a script that fails after it has written', () => {
  const used = useProducers();

  it('leaves a message that may be stored, as it is: what tells whether to wake a worker is somebody else’s', async () => {
    await using producer = used.producerOf('woken');
    await used.redis.sadd('{woken:0}:pages', 'p1');
    await used.redis.set('{woken:0}:fleet', 'no hash');
    const { error } = await settled(producer.enqueueMessage(message));
    expect(error).toBeInstanceOf(EnqueueUncertainError);
    expect(error).toMatchObject({ isInternal: false, cause: { code: 'WRONGTYPE' } });
    expect(await storedIds(used.redis, 'woken')).toEqual([(error as EnqueueUncertainError).id]);
  });

  it('tries a replay again under the same id: its dead letter is gone, so its message must be there', async () => {
    const letter = { pageId: 'p1', conversationId: 'c', text: 'x', deadAtMs: 1 };
    const [id = ''] = await writeLetters(used.redis, 'midway', [letter]);
    await using deadLetters = openDeadLetters({ redisUrl: used.url, namespace: 'midway' });
    await used.redis.set('{midway:0}:lane:p1/c', 'no list');
    expect(await deadLetters.replay({ ids: [id] })).toMatchObject({ matched: 1, done: 1 });
    expect(await deadLetters.get(id)).toBeNull();
    expect(await storedIds(used.redis, 'midway')).toHaveLength(1);
  });
});

describe('a command that meets an internal error', () => {
  const used = useDesks();

  it.each([
    ['send', JSON.stringify(message)],
    [`cancel ${unknownId}`, ''],
    ['status', ''],
    ['reshard 2', ''],
  ])('does not exit with 3, which means an unreachable Redis, and shows the stack: %s', async (command, input) => {
    await using producer = createProducer({ redisUrl: used.url, namespace: 'cli' });
    await producer.enqueueMessage(message);
    breakBefore('evalsha');
    breakBefore('pipeline');
    breakBefore('get');
    const { signal } = new AbortController();
    const { exitCode, stderr } = await runCommand(
      command.split(' '),
      { REDIS_URL: used.url, KITECHAT_NAMESPACE: 'cli' },
      input,
      signal,
    );
    const said = stderr.join('\n');
    expect({ exitCode, said }).toMatchObject({ exitCode: 1 });
    expect(said).toMatch(/[Ii]nternal error.*TypeError/);
    expect(said).toMatch(/\n\s+at .*:\d+:\d+/);
    expect(said).not.toContain(SECRET);
  });

  it('is no outage of Redis on the pages of the console either, and its log has the stack', async () => {
    await using desk = await used.openDesk();
    breakBefore('pipeline');
    const page = await desk.console.visitor.get('/');
    expect(page.status).toBe(500);
    expect(page.text).toContain('Internal error: TypeError');
    expect(page.text).not.toMatch(new RegExp(`Redis does not answer|${SECRET}`));
    const logged = desk.console.lines.find((line) => line.includes('console: a request failed')) ?? '';
    expect(logged).toMatch(/"name":"TypeError".*"stack":"\s+at /);
    expect(logged).not.toContain(SECRET);
  });
});
