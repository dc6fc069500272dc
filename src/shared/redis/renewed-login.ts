import type { Redis, RedisOptions } from 'ioredis';
import { isCluster, type RedisClient } from './cluster.ts';

/**
 * Makes a client, its duplicates and the nodes of a cluster log in with what `loginNow` returns at that moment. BullMQ duplicates our
 * client for its blocking commands.
 */
export function renewLogin(client: RedisClient, loginNow: () => Partial<RedisOptions>): void {
  if (isCluster(client)) {
    client.on('+node', (node: Redis) => {
      // A node is told before it connects. Its options are those that the cluster began with.
      Object.assign(node.options, loginNow());
      renewLogin(node, loginNow);
    });
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (...args) => withRenewal(duplicate(...args), loginNow);
    return;
  }
  const connect = client.connect.bind(client);
  client.connect = async (...args) => {
    Object.assign(client.options, loginNow());
    await connect(...args);
  };
  const duplicate = client.duplicate.bind(client);
  client.duplicate = (...args) => withRenewal(duplicate(...args), loginNow);
}

function withRenewal<Client extends RedisClient>(client: Client, loginNow: () => Partial<RedisOptions>): Client {
  renewLogin(client, loginNow);
  return client;
}
