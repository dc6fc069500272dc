import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Environment, loadConfig } from '../../../src/shared/config/config.ts';
import { exposuresOfConsole, exposuresOfToken, exposuresOfWorker } from '../../../src/shared/config/exposures.ts';
import { newFolderOfTest } from '../../support/folder-of-test.ts';

const URL_IN_FILE = 'redis://127.0.0.1';

function fileWith(text: string, mode: number, path = join(newFolderOfTest(), 'SECRET')): string {
  writeFileSync(path, text);
  // The mode of a new file depends on the umask.
  chmodSync(path, mode);
  return path;
}

const ofWorker = (env: Environment): string[] => exposuresOfWorker(loadConfig(env));
const ofApi = (url: string): string[] => ofWorker({ KITECHAT_API_URL: url });
const ofMode = (mode: number): string[] => ofWorker({ REDIS_URL_FILE: fileWith(URL_IN_FILE, mode) });
const ofToken = (token: string): string[] => exposuresOfToken(loadConfig({ KITECHAT_CONSOLE_TOKEN: token }));

describe('an address of the API', () => {
  it.each(['http://api.example/send', 'http://10.0.0.5:8080/', 'http://127.0.0.1.example/'])(
    'warns of %s, which others on the network can read',
    (url) => {
      expect(ofApi(url)).toEqual([expect.stringMatching(/^KITECHAT_API_URL begins with http:\/\/ /)]);
      expect(ofApi(url)[0]).not.toContain(new URL(url).host);
    },
  );

  it.each(['https://api.example/send', 'http://127.0.0.1:4010/', 'http://localhost/', 'http://[::1]:4010/'])(
    'is not warned of if it is %s',
    (url) => {
      expect(ofApi(url)).toEqual([]);
    },
  );
});

describe('a file with a secret', () => {
  it.each([0o644, 0o604, 0o444])('warns with the mode %o, without its path', (mode) => {
    expect(ofMode(mode)).toEqual([expect.stringMatching(/^REDIS_URL_FILE names a file that every user .* read; /)]);
    expect(ofMode(mode)[0]).not.toContain('SECRET');
  });

  it.each([0o400, 0o440, 0o600, 0o640, 0o660])('does not warn with the mode %o', (mode) => {
    expect(ofMode(mode)).toEqual([]);
  });

  it('warns differently if every user can change it', () => {
    expect(ofMode(0o666)).toEqual([expect.stringMatching(/^REDIS_URL_FILE names a file that every user .* change; /)]);
  });

  it('that is missing is left to who reads it', () => {
    expect(ofWorker({ KITECHAT_API_KEY_FILE: '/missing/SECRET' })).toEqual([]);
  });

  it('that Kubernetes has mounted may be readable for every user of the container, but not writable', () => {
    const folder = newFolderOfTest();
    const version = '..2026_11_30_10_00_00.123456789';
    mkdirSync(join(folder, version));
    symlinkSync(version, join(folder, '..data'));
    symlinkSync(join('..data', 'url'), join(folder, 'url'));
    const mounted = fileWith(URL_IN_FILE, 0o644, join(folder, version, 'url'));
    const env = { REDIS_URL_FILE: join(folder, 'url') };
    expect(ofWorker(env)).toEqual([]);
    chmodSync(mounted, 0o666);
    expect(ofWorker(env)).toHaveLength(1);
  });

  it('is looked at for each variable that names one, by the processes that use it', () => {
    const path = fileWith(URL_IN_FILE, 0o644);
    const names = [
      'REDIS_URL_FILE',
      'REDIS_KEY_FILE',
      'KITECHAT_API_KEY_FILE',
      'KITECHAT_API_KEYS_FILE',
      'KITECHAT_API_CERT_FILE',
      'KITECHAT_API_CERT_KEY_FILE',
      'KITECHAT_ENCRYPTION_KEYS_FILE',
    ];
    const config = loadConfig(Object.fromEntries(names.map((name) => [name, path])));
    const namesIn = (warnings: string[]): string[] => warnings.map((warning) => warning.split(' ', 1)[0] ?? '');
    // A certificate is no secret.
    expect(namesIn(exposuresOfWorker(config))).toEqual(names.filter((name) => name !== 'KITECHAT_API_CERT_FILE'));
    expect(namesIn(exposuresOfConsole(config))).toEqual([
      'REDIS_URL_FILE',
      'REDIS_KEY_FILE',
      'KITECHAT_ENCRYPTION_KEYS_FILE',
    ]);
  });
});

describe('the token of the console', () => {
  it.each(['aaaaaaaaaaaaaaaa', '1234512345123451', 'abababababababababababababababab'])(
    'warns if it is %s',
    (token) => {
      expect(ofToken(token)).toEqual([
        expect.stringMatching(/^KITECHAT_CONSOLE_TOKEN \(or its file\) has fewer than 6 /),
      ]);
      expect(ofToken(token)[0]).not.toContain(token);
    },
  );

  it.each(['1234561234561234', '9f86d081884c7d65'])('does not warn if it is %s', (token) => {
    expect(ofToken(token)).toEqual([]);
  });

  it('warns of its file, too', () => {
    const path = fileWith('9f86d081884c7d65', 0o644);
    expect(exposuresOfToken(loadConfig({ KITECHAT_CONSOLE_TOKEN_FILE: path }))).toEqual([
      expect.stringMatching(/^KITECHAT_CONSOLE_TOKEN_FILE names a file that every user /),
    ]);
    expect(exposuresOfToken(loadConfig({ KITECHAT_CONSOLE_TOKENS_FILE: path }))).toEqual([
      expect.stringMatching(/^KITECHAT_CONSOLE_TOKENS_FILE names a file that every user /),
    ]);
  });
});
