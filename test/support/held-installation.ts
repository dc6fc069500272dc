import { completed } from './settings.ts';
import { deadlineIn } from '../../src/shared/redis/deadline.ts';
import { shardOfPage } from '../../src/shared/lanes/key-names.ts';
import { hold, type HoldTarget, release } from '../../src/shared/lanes/holds/hold.ts';
import { createSession } from '../../src/shared/session/session.ts';
import { readStatus, type Status } from '../../src/shared/reading/status.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { install, type Installation, type InstallationOptions } from './worker.ts';

/** An installation with the actions of an operator. */
export interface HeldInstallation extends Installation {
  status(): Promise<Status>;
  hold(target: HoldTarget): Promise<void>;
  release(target: HoldTarget): Promise<void>;
}

export async function installWithHolds(
  server: Pick<RedisServer, 'url'>,
  options: InstallationOptions = {},
): Promise<HeldInstallation> {
  const installation = await install(server, options);
  const config = completed(installation.config);
  const session = createSession(config);
  const shardsOf = async ({ page }: HoldTarget) => {
    const all = Array.from({ length: config.shards }, (_, index) => index);
    const indexes = page === undefined ? all : [shardOfPage(page, config.shards)];
    return await Promise.all(indexes.map((index) => session.shard(index, deadlineIn(5000))));
  };
  return {
    ...installation,
    status: () => readStatus(session, config, deadlineIn(5000)),
    async hold(target) {
      for (const shard of await shardsOf(target)) await hold(shard, { ...target, reason: 'operator' });
    },
    async release(target) {
      for (const shard of await shardsOf(target)) await release(shard, target);
    },
    async [Symbol.asyncDispose]() {
      await session.close();
      await installation[Symbol.asyncDispose]();
    },
  };
}
