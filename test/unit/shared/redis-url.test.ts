import { describe, expect, it } from 'vitest';

import { loadConfig } from '../../../src/shared/config/config.ts';
import { describeRedisUrl, parseRedisAddresses } from '../../../src/shared/config/redis-addresses.ts';
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
    'rediss://a:1, rediss://b:2,rediss://c',
    'redis://:hunter,2@a:1,redis://:hunter,2@b:2/0',
    'redis://u:p%40ss@[::1]:1,redis://u:p%40ss@b/',
  ])('may be several nodes of a cluster: %s', (url) => {
    expect(loadConfig({ REDIS_URL: url }).redisUrl).toBe(url);
  });

  it.each([
    ['redis://a:1,rediss://b:2', 'must have redis:// in all addresses, or rediss:// in all'],
    ['redis://:hunter2@a:1,redis://b:2', 'must have the same user and password in all addresses'],
    ['redis://u:hunter2@a:1,redis://v:hunter2@b:2', 'must have the same user and password in all addresses'],
    ['redis://a:1,redis://b:2/hunter2', 'must have a database number after the port, or nothing'],
    ['redis://a:1/3,redis://b:2/3', 'must have no database number: a Redis Cluster has only database 0'],
    ['redis://a:1?hunter2=1,redis://b:2', 'must have no options after "?" in several addresses'],
    [
      'redis://u:hunter2@a:1,b:2',
      'must repeat redis:// before each address of a Redis Cluster: redis://host:port,redis://host:port',
    ],
  ])('may not be several addresses that do not agree: %s', (url, problem) => {
    expect(problemsIn({ REDIS_URL: url })).toEqual([`REDIS_URL: ${problem}`]);
  });

  it('is taken apart into the nodes of a cluster and what they share', () => {
    expect(parseRedisAddresses('rediss://u:p%40ss@[::1]:7000, rediss://u:p%40ss@redis.example.com')).toEqual({
      isCluster: true,
      nodes: [
        { host: '::1', port: 7000 },
        { host: 'redis.example.com', port: 6379 },
      ],
      isTls: true,
      username: 'u',
      password: 'p@ss',
    });
    expect(parseRedisAddresses('redis://:pass,word@127.0.0.1')).toMatchObject({
      isCluster: false,
      password: 'pass,word',
    });
  });

  it('is told without user and password', () => {
    expect(describeRedisUrl('redis://u:hunter2@a:1,redis://u:hunter2@b:2/0')).toBe('redis://a:1,redis://b:2/0');
  });
});
