import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeRedisUrl, parseRedisAddresses, redisUrlProblem } from '../../../src/shared/config/redis-addresses.ts';

describe('a password with characters that a URL does not take as they are', () => {
  it.each(['#', '?', '/', '\\', ' ', '%', '%zz', '"', '@:'])(
    'is neither told nor taken for a host: %s',
    (character) => {
      for (const password of [`hunter2${character}rest`, `${character}hunter2`, `hunter2${character}`]) {
        for (const url of [
          `redis://user:${password}@host:6379`,
          `redis://:${password}@host`,
          `redis://${password}@host`,
          `redis+sentinel://user:${password}@host:1/main`,
          `redis+sentinel://${password}@host:1/main`,
          `redis+sentinel://host:1/main?sentinelPassword=${password}`,
          `redis+cluster://user:${password}@host:1,host:2`,
          `redis+cluster://:${password}@host`,
          `unix://user:${password}@/run/redis.sock`,
          `unix://${password}@/run/redis.sock`,
        ]) {
          const problem = redisUrlProblem(url);
          expect(problem ?? describeRedisUrl(url)).not.toContain('hunter2');
        }
      }
    },
  );
});

describe('any URL of Redis', () => {
  const secret = fc.string({ unit: 'binary', minLength: 1 }).map((text) => `hunter2${text}`);
  const host = fc.constantFrom('redis.example.com', '10.0.0.1', '[::1]');
  const hostAndPort = fc.tuple(host, fc.integer({ min: 1, max: 65_535 })).map(([name, port]) => `${name}:${port}`);
  const hosts = fc.array(hostAndPort, { minLength: 1, maxLength: 3 }).map((list) => list.join(','));
  const login = fc.tuple(fc.constantFrom('', 'user'), secret);
  const scheme = fc.constantFrom('redis', 'rediss');
  const database = fc.integer({ min: 0, max: 99 });

  const urls = fc.oneof(
    fc.record({ kind: fc.constant('server'), scheme, hosts: hostAndPort, database, login }),
    fc.record({ kind: fc.constant('sentinel'), scheme, hosts, database, login }),
    fc.record({ kind: fc.constant('cluster'), scheme, hosts, database: fc.constant(0), login }),
    fc.record({ kind: fc.constant('socket'), scheme, hosts: fc.constant(''), database, login }),
  );

  it('keeps its secrets, and is told so that it means the same place', () => {
    fc.assert(
      fc.property(urls, ({ kind, scheme: by, hosts: at, database: number, login: [user, password] }) => {
        const encoded = encodeURIComponent(password);
        const userinfo = `${user}:${encoded}@`;
        const url = {
          server: `${by}://${userinfo}${at}/${number}`,
          sentinel: `${by}+sentinel://${userinfo}${at}/main/${number}?sentinelPassword=${encoded}`,
          cluster: `${by}+cluster://${userinfo}${at}`,
          socket: `unix://${userinfo}/run/redis.sock?db=${number}`,
        }[kind];
        expect(redisUrlProblem(url)).toBeUndefined();
        const read = parseRedisAddresses(url);
        expect(read).toMatchObject({ kind, username: user, password, database: number });
        const told = describeRedisUrl(url);
        expect(told).not.toContain('hunter2');
        const { sentinelLogin, ...place } = { ...read, username: '', password: '' } as typeof read & {
          sentinelLogin?: unknown;
        };
        if (kind === 'sentinel') expect(sentinelLogin).toEqual({ username: '', password });
        expect(parseRedisAddresses(told)).toMatchObject(place);
      }),
    );
  });

  it('shows nothing of a secret that is not encoded', () => {
    const raw = fc.constantFrom('redis://', 'redis+sentinel://', 'redis+cluster://', 'unix://');
    fc.assert(
      fc.property(raw, secret, fc.boolean(), (start, password, hasUser) => {
        const url = `${start}${hasUser ? 'user:' : ':'}${password}@${start === 'unix://' ? '/run/redis.sock' : 'host:1/main'}`;
        const problem = redisUrlProblem(url);
        expect(problem ?? describeRedisUrl(url)).not.toContain('hunter2');
      }),
    );
  });
});
