import type { Config } from '../../shared/config/config.ts';
import { endConnections } from '../../shared/layout/end-connections.ts';
import { ConfigError, QueueUnavailableError } from '../../shared/errors/errors.ts';
import { isInternalError } from '../../shared/errors/failed-calls.ts';
import { shardsKey } from '../../shared/lanes/key-names.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';
import type { ReshardingStamp, SettledStamp } from '../../shared/layout/stamp.ts';
import { findStamp, replaceStamp, type StoredStamp } from '../../shared/layout/stored-stamp.ts';
import { takeOver } from '../../shared/layout/take-over.ts';
import { type OpenWork, readOpenWork } from '../../shared/layout/open-work.ts';
import { notReadyError } from '../../shared/session/calls.ts';
import { connectFailingFast } from '../../shared/session/connect.ts';
import { lastErrorOf, whenReady } from '../../shared/redis/ready.ts';
import { demandAllKeys } from '../../shared/redis/unfit.ts';
import { agreeOnShards } from '../../shared/session/shard-count.ts';
import { version } from '../../shared/version.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line, type JsonOption } from '../context/context.ts';
import { loadSite } from '../context/site.ts';
import { textTable } from '../terminal/table.ts';
import { copyEventGroups, moveHolds, moveIdempotencyKeys, removeShards, type Resharding } from './move-keys.ts';
import { describeObstacles, isClear } from './obstacles.ts';

const SILENCE_MS = 60_000;

/** What `reshard` prints. */
interface Outcome {
  from: number;
  to: number;
  result: 'done' | 'unchanged' | 'refused';
  idempotencyKeys: number;
  holds: number;
  /** The reason of a refusal, if it was this. */
  obstacles?: OpenWork;
}

/** `reshard`: gives an installation without open messages, workers and dead letters another number of shards. */
export async function reshard(context: CommandContext, shards: number, { json }: JsonOption): Promise<ExitCode> {
  const config = loadSite(context);
  const redis = connectFailingFast(config, SILENCE_MS);
  try {
    if (!(await whenReady(redis, config.enqueueTimeoutMs, shardsKey(config.namespace)))) {
      const cause = lastErrorOf(redis);
      throw cause instanceof ConfigError ? cause : notReadyError(cause);
    }
    await demandAllKeys(redis);
    const outcome = await change({ context, redis, config }, shards);
    if (json) jsonLine(context.stdout, outcome);
    else line(context.stdout, tableOf(outcome));
    return outcome.result === 'refused' ? exitCodes.notFullyDone : exitCodes.done;
  } finally {
    redis.disconnect();
  }
}

interface Site {
  context: CommandContext;
  redis: LaneRedis;
  config: Config;
}

async function change(site: Site, to: number): Promise<Outcome> {
  const { context, redis, config } = site;
  const { namespace } = config;
  const say = (text: string): void => line(context.stderr, text);
  const found = await readUsable(redis, namespace);
  if (found === null) {
    say(
      `no kitechat-sender has used the namespace "${namespace}" there yet: nothing to do; the first process sets it up with its KITECHAT_SHARDS`,
    );
    return { from: to, to, result: 'unchanged', idempotencyKeys: 0, holds: 0 };
  }
  const { stamp } = found;
  const from = stamp.shards;
  const outcome = { from, to, idempotencyKeys: 0, holds: 0 };
  const isInterrupted = stamp.state === 'resharding';
  if (isInterrupted && stamp.next !== to) {
    say(
      `the change from ${from} shards to ${stamp.next} was interrupted: finish it first with "kitechat-sender reshard ${stamp.next}"`,
    );
    return { ...outcome, result: 'refused' };
  }
  if (!isInterrupted && from === to) {
    await agreeOnShards(redis, namespace, to);
    say(`the namespace "${namespace}" has ${to} shards already: nothing to do`);
    return { ...outcome, result: 'unchanged' };
  }
  const resharding = { namespace, from, to };
  if (!isInterrupted) {
    const obstacles = await tellObstacles(site, resharding);
    if (obstacles) return { ...outcome, result: 'refused', obstacles };
  }
  const marked = isInterrupted ? found : await mark(redis, namespace, found, to);
  if (marked === null) {
    say('another process is changing the number of shards: wait for it to finish, then run this command again');
    return { ...outcome, result: 'refused' };
  }
  const giveUp = async (): Promise<void> => {
    if (!isInterrupted) await replaceStamp(redis, namespace, marked, stamp);
  };
  // From here on the stamp keeps out new connections, and the existing ones are ended. Work that was stored until then is
  // still an obstacle.
  let obstacles: OpenWork | null;
  try {
    await endConnections(redis, namespace, from);
    obstacles = await tellObstacles(site, resharding);
  } catch (error) {
    await giveUp();
    if (isInternalError(error)) throw error;
    throw new QueueUnavailableError(
      'The connections of apps and workers could not be ended (CLIENT LIST, CLIENT KILL)',
      {
        cause: error,
      },
    );
  }
  if (obstacles) {
    await giveUp();
    return { ...outcome, result: 'refused', obstacles };
  }
  const idempotencyKeys = await moveIdempotencyKeys(redis, resharding);
  const holds = await moveHolds(redis, resharding);
  await copyEventGroups(redis, resharding);
  await removeShards(redis, resharding);
  await replaceStamp(redis, namespace, marked, { state: 'settled', shards: to, layout: stamp.layout, version });
  // Takes over a namespace of version 0.1, which is drained now.
  await agreeOnShards(redis, namespace, to);
  say(`the namespace "${namespace}" has ${to} shards now: start apps, workers and consoles with KITECHAT_SHARDS=${to}`);
  return { from, to, result: 'done', idempotencyKeys, holds };
}

type UsableStamp = StoredStamp & { stamp: SettledStamp | ReshardingStamp };

/** The stamp, after an interrupted take-over from version 0.1 was finished; `null` if no process has set the namespace up. */
async function readUsable(redis: LaneRedis, namespace: string): Promise<UsableStamp | null> {
  for (;;) {
    const found = await findStamp(redis, namespace);
    if (found === null) return null;
    const { stamp, text } = found;
    if (stamp.state !== 'taking-over') return { stamp, text };
    await takeOver(redis, namespace, { stamp, text });
  }
}

/** Writes the stamp that keeps out new connections. @returns `null` if another process was faster. */
async function mark(redis: LaneRedis, namespace: string, found: UsableStamp, to: number): Promise<StoredStamp | null> {
  const { shards, layout } = found.stamp;
  const stamp: ReshardingStamp = { state: 'resharding', shards, next: to, layout };
  return await replaceStamp(redis, namespace, found, stamp);
}

async function tellObstacles({ context, redis }: Site, { namespace, from, to }: Resharding): Promise<OpenWork | null> {
  const obstacles = await readOpenWork(redis, namespace, from);
  if (isClear(obstacles)) return null;
  line(context.stderr, `the number of shards stays ${from}. These obstacles prevent a change to ${to}:`);
  for (const obstacle of describeObstacles(obstacles)) line(context.stderr, `  ${obstacle}`);
  return obstacles;
}

function tableOf({ obstacles: _told, ...outcome }: Outcome): string {
  return textTable([Object.keys(outcome), Object.values(outcome).map(String)]);
}
