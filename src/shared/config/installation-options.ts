import type { RedisConnectionOptions } from './redis-options.ts';

/** Where an installation is. */
export interface SiteOptions extends RedisConnectionOptions {
  /**
   * The name that keeps several installations on one Redis apart. All keys begin with it.
   *
   * @default 'kitechat'
   * @example 'staging'
   */
  namespace?: string | undefined;
  /**
   * The number of queues that the pages are spread over. The first process that uses the Redis fixes it; `kitechat-sender reshard`
   * changes it.
   *
   * @default 1
   * @example 8
   */
  shards?: number | undefined;
}

/** The settings of an installation. They must be the same in all of its processes. */
export interface InstallationOptions extends SiteOptions {
  /**
   * A file with keys, `{ "<key id>": "<32 bytes in base64>" }`, to encrypt the content of messages in Redis. The first key encrypts, all
   * of them decrypt. The file is read again when it changes.
   *
   * @default undefined
   * @example '/run/secrets/encryption-keys.json'
   */
  encryptionKeysFile?: string | undefined;
  /**
   * Whether messages that are not encrypted are refused: a producer or a replay without `encryptionKeysFile` is a `ConfigError`, and a
   * worker makes a message that is stored in the clear a dead letter instead of sending it.
   *
   * @default false
   * @example true
   */
  requireEncryption?: boolean | undefined;
  /**
   * The number of attempts that a message has. Requests that provably were not sent, rate limits and holds use none.
   *
   * @default 8
   * @example 12
   */
  attempts?: number | undefined;
  /**
   * How long a dead letter is kept, in ms.
   *
   * @default 2_592_000_000
   * @example 7 * 86_400_000
   */
  keepDeadMs?: number | undefined;
}
