import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProducer } from '../../../src/producer/index.ts';
import { currentAccess, readRedisAccess, renewedAccess } from '../../../src/shared/config/redis-access.ts';
import { ConfigError } from '../../../src/shared/errors/errors.ts';
import { useFolder } from '../../support/use-folder.ts';
import { selfSigned } from '../worker/self-signed.ts';

const folder = useFolder();
function fileOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('the settings that say how to reach Redis', () => {
  const ca = fileOf('ca.pem', selfSigned.cert);
  const key = fileOf('key.pem', selfSigned.key);
  const text = fileOf('text', 'hunter2');
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const [redisUrl, tlsUrl] = ['redis://a', 'rediss://a'];

  it.each([
    [
      { redisUrl, redisCaFile: ca },
      ['redisCaFile: has no effect without TLS: begin redisUrl with rediss, or leave it out'],
    ],
    [
      { redisUrl: 'unix:///s', redisCertFile: ca, redisKeyFile: key },
      [/^redisCertFile: has no/, /^redisKeyFile: has no/],
    ],
    [{ redisUrl: tlsUrl, redisCertFile: ca }, ['redisCertFile: goes together with redisKeyFile: set both or none']],
    [{ redisUrl: tlsUrl, redisKeyFile: key }, ['redisCertFile: goes together with redisKeyFile: set both or none']],
    [{ redisUrl: tlsUrl, redisCaFile: text }, ['redisCaFile: names a file without a certificate in PEM format']],
    [
      { redisUrl: tlsUrl, redisCertFile: join(folder, 'hunter2'), redisKeyFile: text },
      [
        "redisCertFile: names a file that can't be read (ENOENT)",
        'redisKeyFile: names a file without a private key in PEM format',
      ],
    ],
    [{ redisUrl: tlsUrl, redisCaFile: pipe }, [/^redisCaFile: names a pipe, which can be read only once/]],
    [{ redisUrl, redisNatMap: 'a:1=b:2' }, [/^redisNatMap: has an effect only on/]],
  ])('are refused at once if they can not work: %j', (options, problems) => {
    let error: unknown;
    try {
      void createProducer(options).close();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConfigError);
    const said = error instanceof ConfigError ? error.problems : [];
    expect(said).toHaveLength(problems.length);
    for (const [index, problem] of problems.entries()) expect(said[index]).toMatch(problem);
    expect(String(error)).not.toContain('hunter2');
  });

  it('have certificates that are read again, unless the new ones can not be used', () => {
    const path = fileOf('changing.pem', selfSigned.cert);
    const settings = { redisUrl: tlsUrl, redisCaFile: path };
    const first = readRedisAccess(settings);
    const trusted = first.tls?.ca?.length ?? 0;
    writeFileSync(path, `${selfSigned.cert}\n${selfSigned.cert}`);
    expect(renewedAccess(settings, first).tls?.ca).toHaveLength(trusted + 1);
    writeFileSync(path, 'half a certif');
    expect(renewedAccess(settings, first)).toEqual(first);
  });

  it('begin a later connection with the last login that could be read', () => {
    const redisUrlFile = fileOf('rotated', 'redis://u:two@a/3');
    const settings = { redisUrl: 'redis://u:one@a/3', redisUrlFile };
    const withTwo = currentAccess(settings);
    expect(withTwo.addresses).toMatchObject({ password: 'two' });
    writeFileSync(redisUrlFile, 'oops');
    expect(currentAccess(settings)).toEqual(withTwo);
    rmSync(redisUrlFile);
    expect(currentAccess(settings)).toEqual(withTwo);
  });

  it('never lose their TLS, with which the password would leave in clear text', () => {
    const redisUrlFile = fileOf('tls-url', 'redis://u:two@a/3');
    const settings = { redisUrl: 'rediss://u:one@a/3', redisUrlFile };
    const first = readRedisAccess(settings);
    expect(renewedAccess(settings, first)).toEqual(first);
  });

  it('are read again: a new login and new certificates count, a new address or database does not', () => {
    const redisUrlFile = fileOf('url', 'redis://u:one@a/3');
    const settings = { redisUrl: 'redis://u:one@a/3', redisUrlFile };
    const first = readRedisAccess(settings);
    const now = (url: string): unknown => {
      writeFileSync(redisUrlFile, url);
      return renewedAccess(settings, first).addresses;
    };
    const place = { kind: 'server', host: 'a', port: 6379, database: 3 };
    expect(now('redis://v:two@a/3\n')).toMatchObject({ ...place, username: 'v', password: 'two' });
    expect(now('redis://v:two@b/4')).toMatchObject({ ...place, password: 'two' });
    for (const unusable of ['', 'http://a', 'rediss://v:two@a/3', 'unix:///s', 'redis+sentinel://:x@a/main']) {
      expect(now(unusable)).toEqual(first.addresses);
    }
    expect(renewedAccess({ ...settings, redisUrlFile: join(folder, 'gone') }, first)).toEqual(first);
  });
});
