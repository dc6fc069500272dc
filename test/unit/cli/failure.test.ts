import { describe, expect, it } from 'vitest';
import { describeFault } from '../../../src/cli/terminal/fault.ts';
import { failureOf } from '../../../src/cli/terminal/failure.ts';
import { ChangeUncertainError } from '../../../src/shared/session/calls.ts';
import { UnreadableInputError } from '../../../src/cli/terminal/file-errors.ts';
import {
  ConfigError,
  EnqueueUncertainError,
  IdempotencyConflictError,
  InvalidMessageError,
  QueueFullError,
  QueueUnavailableError,
} from '../../../src/shared/errors/errors.ts';
import { RedisMissingError, RedisStartError } from '../../../src/testing/redis/redis-errors.ts';

describe('failureOf', () => {
  it.each([
    [1, new InvalidMessageError([])],
    [1, new QueueFullError({ maxQueued: 1 })],
    [1, new IdempotencyConflictError('0-1')],
    [1, new RedisStartError('it ended')],
    [2, new ConfigError(['X is missing'])],
    [2, new UnreadableInputError('file', { code: 'ENOENT' })],
    [3, new QueueUnavailableError('Redis could not be reached')],
    [3, new EnqueueUncertainError('0-1', 'no answer')],
    [3, new RedisMissingError(['no redis-server'], 'Install one.')],
  ])('gives the exit code %i to %s', (exitCode, error) => {
    const failure = failureOf(error);
    expect(failure?.exitCode).toBe(exitCode);
    expect(failure?.message).toContain(error.message);
  });

  it.each([
    new QueueUnavailableError('Internal error', { cause: new TypeError('secret'), isInternal: true }),
    new EnqueueUncertainError('0-1', 'Internal error', { cause: new TypeError('secret'), isInternal: true }),
    new ChangeUncertainError('Internal error', { cause: new TypeError('secret'), isInternal: true }),
  ])('does not give the exit code of an unreachable Redis to an internal error, and shows its stack: %s', (error) => {
    const failure = failureOf(error, {});
    expect(failure?.exitCode).toBe(1);
    expect(failure?.message).toContain(error.message);
    expect(failure?.message).toMatch(/\n\s+at .*failure\.test\.ts/);
    expect(failure?.message).not.toContain('secret');
    expect(failure?.message).not.toContain('redis://');
  });

  it('says which Redis was asked and what it said, without user and password', () => {
    const error = new QueueUnavailableError('Redis refused', {
      cause: Object.assign(new Error('WRONGPASS invalid username-password pair'), { name: 'ReplyError' }),
    });
    const env = { REDIS_URL: 'rediss://user:pass%3Aword@redis.example:7000/2' };
    expect(failureOf(error, env)?.message).toMatch(/\(rediss:\/\/redis\.example:7000\/2, WRONGPASS\)$/);
    expect(failureOf(new QueueUnavailableError('Redis is away'), {})?.message).toMatch(
      /\(redis:\/\/127\.0\.0\.1:6379\/0\)$/,
    );
  });

  it('says how to ask for a message that may have been stored', () => {
    expect(failureOf(new EnqueueUncertainError('0-1', 'no answer'))?.message).toContain('kitechat-sender message 0-1');
  });

  it('leaves the errors of others alone, and tells of them where they were thrown but not what they say', () => {
    const foreign = Object.assign(new Error('secret words\n    at secret (place:1:1)'), {
      code: 'ERR_FOREIGN',
      name: 'OddError',
    });
    expect(failureOf(foreign)).toBeNull();
    const text = describeFault(foreign);
    expect(text).toMatch(/^internal error; please report it: OddError ERR_FOREIGN\n\s+at .*failure\.test\.ts/);
    expect(text).not.toContain('secret');
    expect(describeFault('secret')).not.toContain('secret');
  });
});
