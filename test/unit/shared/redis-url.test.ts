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
    'redis://redis:6379?db=3&family=4',
    'redis+sentinel://a/main',
    'redis+sentinel://:p%40ss@a:1,[::1]:2,c/main/3?sentinelUsername=u&sentinelPassword=s%3Fs',
    'rediss+sentinel://user:pw@a:1/my-main.1',
    'redis+cluster://a:1',
    'rediss+cluster://user:pw@a:1,b/0',
    'unix:///run/redis.sock',
    'unix://user:p%2Fw@/run/redis%20one.sock?db=4',
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
    'redis://127.0.0.1\n:1',
    'redis://:hunter2@one two',
    'redis://a?hunter2=1',
    'redis://a?db=hunter2',
    'redis+sentinel://hunter2',
    'redis+sentinel://:hunter2@a:1',
    'redis+sentinel://:hunter2@/main',
    'redis+sentinel://a:1,b:port/main',
    'redis+sentinel://a:1/main/hunter2',
    'redis+sentinel://a:1/main/1/hunter2',
    'redis+sentinel://a:1/main?password=hunter2',
    'redis+sentinel://:hunter/2@a:1/main',
    'redis+cluster://',
    'redis+cluster://:hunter2@a:1/3',
    'redis+cluster://a:1,redis://b:1',
    'redis+other://hunter2',
    'unix://',
    'unix://run/redis.sock',
    'unix:///hunter2@/run/redis.sock',
    'unix:///run/redis.sock?password=hunter2',
    'unix:///run/redis.sock?db=x',
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
      kind: 'cluster',
      nodes: [
        { host: '::1', port: 7000 },
        { host: 'redis.example.com', port: 6379 },
      ],
      isTls: true,
      username: 'u',
      password: 'p@ss',
      database: 0,
    });
    const cluster = { kind: 'cluster', nodes: [{ host: 'a', port: 6379 }] };
    expect(parseRedisAddresses('redis+cluster://a')).toMatchObject(cluster);
    expect(parseRedisAddresses('redis://:pass,word@127.0.0.1')).toMatchObject({
      kind: 'server',
      database: 0,
      password: 'pass,word',
    });
  });

  it('names sentinels, a primary and two logins', () => {
    const url = 'rediss+sentinel://u:p%40@a:1,[::1]/main/3?sentinelUsername=v&sentinelPassword=s%26t';
    expect(parseRedisAddresses(url)).toEqual({
      kind: 'sentinel',
      sentinels: [
        { host: 'a', port: 1 },
        { host: '::1', port: 26_379 },
      ],
      name: 'main',
      username: 'u',
      password: 'p@',
      sentinelLogin: { username: 'v', password: 's&t' },
      isTls: true,
      database: 3,
    });
  });

  it('names a socket', () => {
    expect(parseRedisAddresses('unix://u:p%40@/run/a%20b.sock?db=4')).toEqual({
      kind: 'socket',
      path: '/run/a b.sock',
      username: 'u',
      password: 'p@',
      isTls: false,
      database: 4,
    });
    expect(parseRedisAddresses('unix:///s')).toMatchObject({ path: '/s', username: '', password: '', database: 0 });
  });

  it.each([
    ['redis://u:hunter2@a:1,redis://u:hunter2@b:2/0', 'redis+cluster://a:1,b:2'],
    ['redis://u:hunter2@[::1]?db=3', 'redis://[::1]:6379/3'],
    ['rediss+sentinel://hunter2:hunter2@a,b:2/main/3?sentinelPassword=hunter2', 'rediss+sentinel://a:26379,b:2/main/3'],
    ['unix://u:hunter2@/run/a%20b.sock?db=4', 'unix:///run/a%20b.sock?db=4'],
  ])('is told without users and passwords: %s', (url, told) => {
    expect(describeRedisUrl(url)).toBe(told);
  });
});
