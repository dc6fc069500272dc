import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';

/** The example of the package, unchanged. */
export const aclFile = fileURLToPath(new URL('../../ops/redis-acl/users.acl', import.meta.url));

/** The users of the example, each with its rules in the file. */
export const users: ReadonlyMap<string, string> = new Map(
  readFileSync(aclFile, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, name, rules] = /^user (\S+) (.*)$/.exec(line) ?? [];
      return name === undefined || rules === undefined ? [] : [[name, rules] as const];
    }),
);

/** A Redis with the users of the example, and an admin. */
export interface SecuredRedis {
  server: RedisServer;
  admin: Redis;
  passwordOf(user: string): string;
  urlOf(user: string): string;
  /** The refusals so far: the user, the kind, and the key or command. */
  denials(): Promise<string[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts the Redis as an operator would: with the example file, after adding a password for every user. */
export async function startSecuredRedis(args: readonly string[] = []): Promise<SecuredRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-acl-'));
  const passwordOf = (user: string): string => `password-of-${user}`;
  const withPasswords = readFileSync(aclFile, 'utf8').replaceAll(
    /^user (\S+) on /gm,
    (_line, user: string) => `user ${user} on >${passwordOf(user)} `,
  );
  const file = join(folder, 'users.acl');
  writeFileSync(file, `${withPasswords}user admin on >${passwordOf('admin')} ~* &* +@all\n`);
  const server = await startRedisServer({ args: ['--aclfile', file, '--acllog-max-len', '1000', ...args] });
  const urlOf = (user: string): string => `redis://${user}:${passwordOf(user)}@127.0.0.1:${server.port}`;
  const admin = new Redis(urlOf('admin'));
  admin.on('error', () => {});
  return {
    server,
    admin,
    passwordOf,
    urlOf,
    async denials() {
      const entries = (await admin.call('ACL', 'LOG', 1000)) as unknown[];
      return entries.map((entry) => {
        const { reason, object, username, 'client-info': client } = fieldsOf(entry);
        return `${username}: ${reason} ${object} (${/ cmd=(\S+)/.exec(client ?? '')?.[1] ?? '?'})`;
      });
    },
    async [Symbol.asyncDispose]() {
      admin.disconnect();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Newer protocols return a map, older ones a list of names and values. */
function fieldsOf(entry: unknown): Record<string, string | undefined> {
  if (!Array.isArray(entry)) return entry as Record<string, string>;
  const fields = entry as unknown[];
  return Object.fromEntries(
    fields.flatMap((name, index) => (index % 2 === 0 ? [[String(name), String(fields[index + 1])]] : [])),
  );
}
