import { type Config, loadConfig } from '../../shared/config.ts';
import { QueueUnavailableError } from '../../shared/errors.ts';
import { shardsKey } from '../../shared/keys.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';
import { connectFailingFast, lastErrorOf, whenReady } from '../../shared/redis.ts';
import { parseStoredShards, reshardingMark } from '../../shared/shards.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from '../context.ts';
import { table } from '../table.ts';
import { endConnections } from './end-connections.ts';
import { moveHolds, moveIdempotencyKeys, removeShards, type Resharding } from './move-keys.ts';
import { describeObstacles, findObstacles, isClear, type Obstacles } from './obstacles.ts';

const SILENCE_MS = 60_000;

/** What `reshard` prints. */
interface Outcome {
  from: number;
  to: number;
  result: 'done' | 'unchanged' | 'refused';
  idempotencyKeys: number;
  holds: number;
  /** Only if it was refused for them. */
  obstacles?: Obstacles;
}

/** `reshard`: gives an installation without open messages, workers and dead letters another number of shards. */
export async function reshard(
  context: CommandContext,
  shards: number,
  { json }: { json?: boolean },
): Promise<ExitCode> {
  const config = loadConfig(context.env);
  const redis = connectFailingFast(config.redisUrl, SILENCE_MS);
  try {
    if (!(await whenReady(redis, config.enqueueTimeoutMs, shardsKey(config.namespace)))) {
      throw new QueueUnavailableError('Redis could not be reached in time', { cause: lastErrorOf(redis) });
    }
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
  const key = shardsKey(namespace);
  await redis.set(key, to, 'NX');
  const { shards: from, next } = parseStoredShards((await redis.get(key)) ?? String(to));
  const outcome = { from, to, idempotencyKeys: 0, holds: 0 };
  if (next === null && from === to) {
    say(`the namespace "${namespace}" has ${to} shards: nothing is to be done`);
    return { ...outcome, result: 'unchanged' };
  }
  if (next !== null && next !== to) {
    say(`a change from ${from} shards to ${next} was interrupted: end it first with "kitechat-sender reshard ${next}"`);
    return { ...outcome, result: 'refused' };
  }
  const resharding = { namespace, from, to };
  const mark = reshardingMark(from, to);
  if (next === null) {
    const obstacles = await tellObstacles(site, resharding);
    if (obstacles) return { ...outcome, result: 'refused', obstacles };
    if (!(await replace(redis, key, String(from), mark))) {
      say('another process changes the number of shards just now: run it again when that has ended');
      return { ...outcome, result: 'refused' };
    }
  }
  // From here on nobody who connects gets through, and whoever is connected has to connect again. What came until then is
  // in the way all the same.
  let obstacles: Obstacles | null;
  try {
    await endConnections(redis, namespace);
    obstacles = await tellObstacles(site, resharding);
  } catch (error) {
    if (next === null) await replace(redis, key, mark, String(from));
    throw new QueueUnavailableError(
      'The connections of apps and workers could not be ended (CLIENT LIST, CLIENT KILL)',
      {
        cause: error,
      },
    );
  }
  if (obstacles) {
    if (next === null) await replace(redis, key, mark, String(from));
    return { ...outcome, result: 'refused', obstacles };
  }
  const idempotencyKeys = await moveIdempotencyKeys(redis, resharding);
  const holds = await moveHolds(redis, resharding);
  await removeShards(redis, resharding);
  await replace(redis, key, mark, String(to));
  say(`the namespace "${namespace}" has ${to} shards now: start apps, workers and consoles with KITECHAT_SHARDS=${to}`);
  return { from, to, result: 'done', idempotencyKeys, holds };
}

async function tellObstacles({ context, redis }: Site, { namespace, from, to }: Resharding): Promise<Obstacles | null> {
  const obstacles = await findObstacles(redis, namespace, from);
  if (isClear(obstacles)) return null;
  line(context.stderr, `the number of shards stays ${from} and does not become ${to}. In the way are`);
  for (const obstacle of describeObstacles(obstacles)) line(context.stderr, `  ${obstacle}`);
  return obstacles;
}

/** Two of these commands at once must not both go on. */
async function replace(redis: LaneRedis, key: string, before: string, after: string): Promise<boolean> {
  const script =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end redis.call('SET', KEYS[1], ARGV[2]) return 1";
  return (await redis.eval(script, 1, key, before, after)) === 1;
}

function tableOf({ obstacles: _told, ...outcome }: Outcome): string {
  return table([Object.keys(outcome), Object.values(outcome).map(String)]);
}
