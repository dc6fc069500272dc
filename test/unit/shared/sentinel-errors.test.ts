import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { addSentinelCodes } from '../../../src/shared/redis/sentinel-errors.ts';

function connection() {
  const redis = new EventEmitter();
  addSentinelCodes(redis as Redis);
  redis.on('error', () => {});
  return {
    redis,
    /** The code of the error after all sentinels were asked in vain. */
    codeOfRound(): unknown {
      const error = new Error('All sentinels are unreachable. Retrying from scratch after 1ms.');
      redis.emit('error', error);
      return Reflect.get(error, 'code');
    },
  };
}

it.each([
  ['connected to sentinel a:1 successfully, but got an invalid reply: null', 'SENTINEL_UNKNOWN_NAME'],
  ['failed to connect to sentinel a:1 because NOAUTH HELLO must be', 'SENTINEL_REFUSES'],
  ['failed to connect to sentinel a:1 because connect ECONNREFUSED', 'SENTINELS_AWAY'],
])('%s: %s, for this round only', (message, code) => {
  const { redis, codeOfRound } = connection();
  redis.emit('sentinelError', new Error(message));
  expect(codeOfRound()).toBe(code);
  expect(codeOfRound()).toBe('SENTINELS_AWAY');
});

it('what one sentinel said before another named the primary says nothing of a later outage', () => {
  const { redis, codeOfRound } = connection();
  redis.emit('sentinelError', new Error('connected to sentinel a:1 successfully, but got an invalid reply: null'));
  redis.emit('connect');
  expect(codeOfRound()).toBe('SENTINELS_AWAY');
});
