import type { Redis } from 'ioredis';
import { connectionName, shardRoots, shardsKey } from '../lanes/key-names.ts';
import { nodesWith } from '../redis/nodes-with.ts';
import type { RedisClient } from '../redis/cluster.ts';

/**
 * Ends all connections of an installation except the caller's. Every process reads the stamp of its namespace whenever it
 * connects, so none can go on with an old number of shards or an old layout.
 *
 * @throws the error of Redis if its user may not list or end connections.
 */
export async function endConnections(redis: RedisClient, namespace: string, shards: number): Promise<void> {
  const nodes = await nodesWith(redis, [shardsKey(namespace), ...shardRoots(namespace, shards)]);
  await Promise.all(nodes.map((node) => endConnectionsOf(node, connectionName(namespace))));
}

async function endConnectionsOf(node: Redis, name: string): Promise<void> {
  const connections = String(await node.client('LIST')).split('\n');
  for (const connection of connections) {
    const fields = new Map(connection.split(' ').map((field) => splitAtFirst(field, '=')));
    const id = fields.get('id');
    // Redis answers 0 if the connection has ended meanwhile.
    if (id !== undefined && fields.get('name') === name) await node.client('KILL', 'ID', id);
  }
}

function splitAtFirst(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
