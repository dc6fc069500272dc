import { Redis } from 'ioredis';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { startHaproxy } from '../support/haproxy.ts';
import type { AnyRedis } from './arena.ts';

/** A primary and a replica behind one address that keeps open connections, as a cloud provider's address does. */
export interface ReadonlyPair extends AnyRedis {
  /** Swaps the roles without losing a write. The old primary stays reachable, and refuses writes. @returns the time */
  swapRoles(): Promise<number>;
}

export async function startReadonlyPair(): Promise<ReadonlyPair> {
  const stack = new AsyncDisposableStack();
  const args = ['--repl-diskless-sync-delay', '0'];
  const first = stack.use(await startRedisServer({ engine: 'path', args }));
  const replicaOf = ['--replicaof', `127.0.0.1 ${first.port}`];
  const second = stack.use(await startRedisServer({ engine: 'path', args: [...args, ...replicaOf] }));
  let [primary, replica] = [first, second].map(({ url, port }) => {
    return { redis: stack.adopt(new Redis(url), (redis) => redis.disconnect()), port };
  }) as [Node, Node];
  await untilLinked(replica);
  const proxy = stack.use(await startHaproxy({ ports: [first.port, second.port], keepConnections: true }));

  return {
    url: proxy.url,
    async swapRoles() {
      const [old, next] = [primary, replica];
      await old.redis.call('FAILOVER', 'TO', '127.0.0.1', next.port);
      await eventually('the replica is the primary', async () => String((await next.redis.role())[0]) === 'master');
      const at = Date.now();
      [primary, replica] = [next, old];
      await untilLinked(old);
      return at;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

interface Node {
  redis: Redis;
  port: number;
}

async function untilLinked({ redis }: Node): Promise<void> {
  await eventually('the replica has its primary', async () =>
    (await redis.info('replication')).includes('master_link_status:up'),
  );
}
