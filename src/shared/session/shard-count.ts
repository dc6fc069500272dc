import { ConfigError } from '../errors/errors.ts';
import type { LaneRedis } from '../lanes/commands.ts';
import { formatStamp, ourStamp, type ReshardingStamp } from '../layout/stamp.ts';
import { readStamp } from '../layout/stored-stamp.ts';
import { takeOver } from '../layout/take-over.ts';
import { isConnectionError } from '../redis/ready.ts';
import { layout } from '../version.ts';

/**
 * Checks the number of shards of a namespace and the layout of its keys; the first process sets them. With another number, a process
 * would look for messages in the wrong shard. A drained namespace of version 0.1 is taken over.
 *
 * @throws ConfigError if the namespace has another number of shards or another layout, or its number is being changed.
 */
export async function agreeOnShards(redis: LaneRedis, namespace: string, shards: number): Promise<void> {
  const ours = formatStamp(ourStamp(shards));
  for (;;) {
    const { stamp, text } = await readStamp(redis, namespace, shards);
    if (text === ours) return;
    if (stamp.state === 'resharding') throw new ConfigError([describeResharding(namespace, stamp)]);
    if (stamp.shards !== shards) throw new ConfigError([describeOtherNumber(namespace, shards, stamp.shards)]);
    if (stamp.state === 'settled' && stamp.layout === layout) return;
    try {
      await takeOver(redis, namespace, { stamp, text });
    } catch (error) {
      // Another process that takes over may have ended this connection; the stamp, read again, tells how far the take-over is.
      if (!(error instanceof Error && isConnectionError(error))) throw error;
    }
  }
}

function describeResharding(namespace: string, { shards, next }: ReshardingStamp): string {
  return `the namespace "${namespace}" is being changed from ${shards} shards to ${next}: wait for it to finish, or finish it with "kitechat-sender reshard ${next}"`;
}

function describeOtherNumber(namespace: string, asked: number, stored: number): string {
  return `KITECHAT_SHARDS is ${asked}, but the namespace "${namespace}" was set up with ${stored}: set it to ${stored}, or use another KITECHAT_NAMESPACE`;
}
