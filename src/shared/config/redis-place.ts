export interface RedisAddress {
  host: string;
  port: number;
}

/** An empty text stands for a name or password that is not given. */
export interface RedisLogin {
  username: string;
  password: string;
}

interface Server extends RedisAddress {
  kind: 'server';
  /** The IP version that the host name is resolved to. */
  family?: 4 | 6;
}

interface Socket {
  kind: 'socket';
  path: string;
}

/** Some nodes of a Redis Cluster. They name the others. */
interface Cluster {
  kind: 'cluster';
  nodes: RedisAddress[];
}

/** Sentinels, which know where the primary of a name is. */
interface Sentinels {
  kind: 'sentinel';
  sentinels: RedisAddress[];
  name: string;
  sentinelLogin: RedisLogin;
}

/** Where Redis is, and how to log in there. */
export type RedisAddresses = RedisLogin & { isTls: boolean; database: number } & (
    | Server
    | Socket
    | Cluster
    | Sentinels
  );

/** The content of a URL, or what is wrong with it, as a clause that doesn't quote the URL. */
export type ReadUrl<Addresses = RedisAddresses> = { addresses: Addresses } | { problem: string };
