import { describe, expect, it } from 'vitest';
import { describeRedisUrl, redisUrlProblem } from '../../../src/shared/config/redis-addresses.ts';

describe('a password with characters that a URL does not take as they are', () => {
  it.each(['#', '?', '/', '\\', ' ', '%', '%zz', '"', '@:'])(
    'is neither told nor taken for a host: %s',
    (character) => {
      for (const password of [`hunter2${character}rest`, `${character}hunter2`, `hunter2${character}`]) {
        for (const url of [
          `redis://user:${password}@host:6379`,
          `redis://:${password}@host`,
          `redis://${password}@host`,
        ]) {
          const problem = redisUrlProblem(url);
          expect(problem ?? describeRedisUrl(url)).not.toContain('hunter2');
        }
      }
    },
  );
});
