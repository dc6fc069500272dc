import { existsSync } from 'node:fs';

const PACKAGE_MANAGERS = [
  { files: ['/usr/bin/apt-get'], command: 'sudo apt-get install redis-server' },
  { files: ['/usr/bin/dnf'], command: 'sudo dnf install redis || sudo dnf install valkey' },
  { files: ['/sbin/apk'], command: 'apk add redis' },
  { files: ['/usr/bin/pacman'], command: 'sudo pacman -S valkey' },
  { files: ['/opt/homebrew/bin/brew', '/usr/local/bin/brew'], command: 'brew install redis' },
];
const CONTAINER = 'Or start Docker and run `npm install --save-dev testcontainers` to use a container.';

/** How to get a Redis on this system, in one or two sentences. */
export function howToGetRedis(
  platform: NodeJS.Platform = process.platform,
  hasFile: (path: string) => boolean = existsSync,
): string {
  if (platform === 'win32') {
    return `Run this inside WSL (\`wsl --install\`, there \`sudo apt-get install redis-server\`). ${CONTAINER}`;
  }
  const manager = PACKAGE_MANAGERS.find(({ files }) => files.some(hasFile));
  const command = manager?.command ?? (platform === 'darwin' ? 'brew install redis' : undefined);
  const install =
    command === undefined
      ? 'Install Redis so that `redis-server` or `valkey-server` is on the PATH (https://redis.io/docs/latest/operate/oss_and_stack/install/).'
      : `Install one with \`${command}\` and try again.`;
  return `${install} ${CONTAINER}`;
}
