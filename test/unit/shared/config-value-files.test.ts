import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/shared/config/config.ts';
import { newFolderOfTest } from '../../support/folder-of-test.ts';
import { problemsIn } from './config-problems.ts';

describe('a variable ending in _FILE', () => {
  it('names a file with the value, without its last line break', () => {
    const folder = newFolderOfTest();
    writeFileSync(join(folder, 'url'), 'redis://:pw@127.0.0.1\r\n');
    expect(loadConfig({ REDIS_URL_FILE: join(folder, 'url') })).toMatchObject({
      redisUrl: 'redis://:pw@127.0.0.1',
      redisUrlFile: join(folder, 'url'),
    });
  });

  it('is a problem together with the variable itself', () => {
    const url = 'redis://127.0.0.1';
    expect(problemsIn({ REDIS_URL: url, REDIS_URL_FILE: '/run/url' }, { '/run/url': url })).toEqual([
      'REDIS_URL_FILE: is set, and so is REDIS_URL: keep only one of them',
    ]);
  });

  it('is a problem if the file is missing, empty or holds something else', () => {
    const env = { REDIS_URL_FILE: '/run/url' };
    expect(problemsIn(env)).toEqual(["REDIS_URL_FILE: names a file that can't be read (ENOENT)"]);
    expect(problemsIn(env, { '/run/url': '\n' })).toEqual(['REDIS_URL_FILE: names an empty file']);
    expect(problemsIn(env, { '/run/url': 'redis://a\nredis://b\n' })).toEqual([
      expect.stringMatching(/^REDIS_URL_FILE: must look like redis:/),
    ]);
  });
});
