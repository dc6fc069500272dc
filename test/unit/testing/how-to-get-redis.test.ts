import { describe, expect, it } from 'vitest';
import { howToGetRedis } from '../../../src/testing/redis/how-to-get-redis.ts';

describe('howToGetRedis', () => {
  it.each<[NodeJS.Platform, string | null, string]>([
    ['linux', '/usr/bin/apt-get', '`sudo apt-get install redis-server`'],
    ['linux', '/usr/bin/dnf', '`sudo dnf install redis || sudo dnf install valkey`'],
    ['linux', '/sbin/apk', '`apk add redis`'],
    ['linux', '/usr/bin/pacman', '`sudo pacman -S valkey`'],
    ['darwin', '/opt/homebrew/bin/brew', '`brew install redis`'],
    ['darwin', null, '`brew install redis`'],
    ['linux', null, 'https://redis.io/docs/'],
    ['win32', null, 'inside WSL'],
  ])('on %s with %s says %s, and offers a container', (platform, file, advice) => {
    const text = howToGetRedis(platform, (path) => path === file);
    expect(text).toContain(advice);
    expect(text).toContain('start Docker');
  });
});
