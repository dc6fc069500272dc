import { describe, expect, it } from 'vitest';

import { loadConfig } from '../../../src/shared/config.ts';
import { problemsIn } from './config-problems.ts';

describe('REDIS_URL', () => {
  it.each([
    'redis://127.0.0.1:6379',
    'redis://localhost',
    'rediss://redis.example.com:6380/0',
    'redis://[::1]:6379/15',
    'redis://:pass,word@127.0.0.1',
    'redis://user:p%2Fa%40ss@127.0.0.1:6379/',
    'redis://redis:6379?family=6',
  ])('may be %s', (url) => {
    expect(loadConfig({ REDIS_URL: url }).redisUrl).toBe(url);
  });

  it.each([
    '127.0.0.1:6379',
    'http://127.0.0.1',
    'redis:127.0.0.1',
    'redis://',
    'redis://:hunter2@',
    'redis://:hunter2#@127.0.0.1',
    'redis://:hunter2%zz@127.0.0.1',
    'redis://127.0.0.1:port',
    'redis://127.0.0.1/hunter2',
    'redis://127.0.0.1\n',
    'redis://:hunter2@one two',
  ])('may not be %j, and the answer does not repeat it', (url) => {
    expect(problemsIn({ REDIS_URL: url })).toEqual([expect.stringMatching(/^REDIS_URL: must /)]);
    expect(problemsIn({ REDIS_URL: url }).join('\n')).not.toContain('hunter2');
  });

  it.each([
    'redis://a:1,redis://b:2',
    'redis://a:1, rediss://b:2',
    'redis://a:1,b:2',
    'redis://:hunter2@a:1,redis://:hunter2@b:2/0',
    'redis://u:hunter2@a,b',
  ])('may not yet be the list of a cluster: %s', (url) => {
    expect(problemsIn({ REDIS_URL: url })).toEqual([
      'REDIS_URL: must be one URL: several addresses (a Redis Cluster) are not supported yet',
    ]);
  });
});
