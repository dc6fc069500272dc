/** The settings that say how to reach Redis. */
export interface RedisConnectionOptions {
  /**
   * The URL of the Redis that stores the messages: `redis://`, `rediss://` for TLS, `redis+sentinel://`, `redis+cluster://` or `unix://`.
   * Several URLs, separated by commas, are nodes of a Redis Cluster.
   *
   * @default 'redis://127.0.0.1:6379'
   * @example 'redis://kitechat-worker:password@redis.internal:6379/0'
   */
  redisUrl?: string | undefined;
  /**
   * A PEM file with the certificates of private authorities that signed Redis's certificate. They are trusted in addition to the usual
   * ones.
   *
   * @default undefined
   * @example '/etc/ssl/company-ca.pem'
   */
  redisCaFile?: string | undefined;
  /**
   * A PEM file with a client certificate for Redis; goes together with `redisKeyFile`.
   *
   * @default undefined
   * @example '/run/secrets/redis-client.pem'
   */
  redisCertFile?: string | undefined;
  /**
   * A PEM file with the private key of the client certificate for Redis.
   *
   * @default undefined
   * @example '/run/secrets/redis-client-key.pem'
   */
  redisKeyFile?: string | undefined;
  /**
   * The addresses under which the servers of a Redis Cluster, or those that Sentinel names, are reached from here.
   *
   * @default undefined
   * @example '10.0.0.1:6379=127.0.0.1:7001,10.0.0.2:6379=127.0.0.1:7002'
   */
  redisNatMap?: string | undefined;
}
