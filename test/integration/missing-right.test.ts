import { describe, expect, it } from 'vitest';
import { openDeadLetters } from '../../src/dead-letters/index.ts';
import { createProducer } from '../../src/producer/index.ts';
import { textMessage } from '../support/messages.ts';
import { settled } from '../support/settled.ts';
import { storedIds } from '../support/stored-messages.ts';
import { useProducers } from '../support/use-producers.ts';
import { writeLetters } from '../support/written-letters.ts';

const message = textMessage('c1', 1);

describe('a Redis user that may not run one command of a script', () => {
  const used = useProducers();

  /** Returns the URL of a user with all rights but one. */
  async function urlWithout(command: string): Promise<string> {
    const user = `without-${command}`;
    await used.redis.call('ACL', 'SETUSER', user, 'on', '>secret', '~*', '+@all', `-${command}`);
    return used.url.replace('//', `//${user}:secret@`);
  }

  it('is told that a cancellation may have been made: the script ends the message before it lacks the right', async () => {
    await using producer = used.producerOf('cancelled');
    const { id } = await producer.enqueueMessage(message);
    await using poor = createProducer({ redisUrl: await urlWithout('zadd'), namespace: 'cancelled' });
    const { error } = await settled(poor.cancelMessage(id));
    expect(await producer.getMessage(id)).toMatchObject({ status: 'cancelled' });
    expect(error).toMatchObject({ code: 'CHANGE_UNCERTAIN', isInternal: false, cause: { code: 'NOPERM' } });
    expect(String(error)).toMatch(/the Redis user lacks a right; .*users\.acl .*Make it again when this is fixed/);
    expect(await producer.cancelMessage(id)).toBe('cancelled');
  });

  it('is told that a message was not stored, as the script takes back what it wrote of the message', async () => {
    await using poor = createProducer({ redisUrl: await urlWithout('zadd'), namespace: 'refused' });
    const { error } = await settled(poor.enqueueMessage(message, { idempotencyKey: 'once' }));
    expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', isInternal: false, cause: { code: 'NOPERM' } });
    expect(String(error)).toMatch(/the Redis user lacks a right; .*users\.acl/);
    expect(await used.redis.keys('{refused:0}:*')).toEqual([]);
  });

  it('is told that a replay may have been made: its script takes nothing back', async () => {
    const [id = ''] = await writeLetters(used.redis, 'replayed', [
      { pageId: 'p1', conversationId: 'c', text: 'x', deadAtMs: 1 },
    ]);
    await using poor = openDeadLetters({ redisUrl: await urlWithout('rpush'), namespace: 'replayed' });
    const { error } = await settled(poor.replay({ ids: [id] }));
    expect(await poor.get(id)).toBeNull();
    expect(await storedIds(used.redis, 'replayed')).toHaveLength(1);
    expect(error).toMatchObject({ code: 'CHANGE_UNCERTAIN', isInternal: false, cause: { code: 'NOPERM' } });
    expect(String(error)).toMatch(/the Redis user lacks a right; .*users\.acl/);
  });
});
