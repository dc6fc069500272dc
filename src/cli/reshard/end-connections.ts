import type { Redis } from 'ioredis';
import { connectionName } from '../../shared/keys.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';
import { mastersOf } from '../../shared/redis-cluster.ts';

/**
 * Ends all connections of an installation. Every process asks for the number of shards whenever it connects, so none can go on
 * with the number that it knew.
 *
 * @throws what Redis answers to a user who may not list or end connections.
 */
export async function endConnections(redis: LaneRedis, namespace: string): Promise<void> {
  await Promise.all(mastersOf(redis).map((node) => endConnectionsOf(node, connectionName(namespace))));
}

async function endConnectionsOf(node: Redis, name: string): Promise<void> {
  const connections = String(await node.client('LIST')).split('\n');
  for (const connection of connections) {
    const fields = new Map(connection.split(' ').map((field) => splitAtFirst(field, '=')));
    const id = fields.get('id');
    // 0 if it ended by itself meanwhile.
    if (id !== undefined && fields.get('name') === name) await node.client('KILL', 'ID', id);
  }
}

function splitAtFirst(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
