import { expect, it } from 'vitest';
import { openQueues } from '../../src/shared/lanes/queues.ts';
import { shardOn } from '../../src/shared/lanes/shard.ts';
import { whenReady } from '../../src/shared/redis/ready.ts';
import { connectFailingFast } from '../../src/shared/session/connect.ts';
import { eventually } from '../support/eventually.ts';
import { settled } from '../support/settled.ts';
import { useRedis } from '../support/use-redis.ts';

const used = useRedis();

it('queues that could not be opened leave no listeners on the connection', async () => {
  await used.redis.acl('SETUSER', 'no-info', 'on', 'nopass', '~*', '+@all', '-info');
  const client = connectFailingFast({ redisUrl: used.url }, 5000);
  await whenReady(client, 5000);
  await client.auth('no-info', '');
  const listeners = (): number => client.eventNames().reduce((sum, name) => sum + client.listenerCount(name), 0);
  const before = listeners();
  for (let n = 0; n < 3; n += 1) {
    const { error } = await settled(openQueues(shardOn(client, 'no-info', 0)));
    expect(error).toMatchObject({ name: 'ReplyError' });
  }
  await eventually('all listeners are gone', () => listeners() === before);
  client.disconnect();
});
