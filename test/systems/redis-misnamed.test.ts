import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { runCommand } from '../support/run-command.ts';
import { useFolder } from '../support/use-folder.ts';

const folder = useFolder();

/** What `status` says of a Redis that it can't use. */
async function told(redisUrl: string): Promise<string> {
  const { exitCode, stderr } = await runCommand(['status'], { REDIS_URL: redisUrl });
  expect(exitCode).toBe(3);
  return stderr.join('\n');
}

describe('a URL with the wrong form is told which one is right', () => {
  it('a single Redis as a cluster', async () => {
    await using redis = await startRedisServer();
    const text = await told(redis.url.replace('redis://', 'redis+cluster://'));
    expect(text).toMatch(
      /^Redis refused the connection: it is a single Redis, no cluster; .*redis:\/\/.* NO_CLUSTER\)$/,
    );
  });

  it('a port with TLS as one without', async () => {
    // So a Redis ends a connection whose first bytes are not those of TLS.
    const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await told(`redis://127.0.0.1:${port}`)).toContain('if it expects TLS on this port, write rediss://');
    server.close();
  });

  it('a database behind the path of a socket', async () => {
    const path = join(folder, 'r.sock');
    writeFileSync(path, '');
    expect(await told(`unix://${path}/3`)).toContain('write the number of a database as ?db=3');
  });
});
