import { KitechatSenderError } from '../../shared/errors/errors.ts';

/** No Redis can be started on this machine. The message says how to get one. */
export class RedisMissingError extends KitechatSenderError {
  override readonly name = 'RedisMissingError';
  readonly code = 'REDIS_MISSING';

  /** @param tried what was not found, one clause each */
  constructor(tried: readonly string[], advice: string, options: { cause?: unknown } = {}) {
    super(`There is no Redis to start (${tried.join('; ')}). ${advice}`, options);
  }
}

/** A Redis was found but didn't start. The message holds the end of its log, if there is one. */
export class RedisStartError extends KitechatSenderError {
  override readonly name = 'RedisStartError';
  readonly code = 'REDIS_START';

  /** @param what happened, as a clause without a full stop */
  constructor(what: string, log = '') {
    const lastLines = log.trim().split('\n').slice(-10).join('\n');
    super(lastLines === '' ? `${what}.` : `${what}. The end of its log:\n${lastLines}`);
  }
}
