import type { WorkerLogger } from '../shared/logging/worker-logger.ts';
import type { Config } from '../shared/config/config.ts';
import { shardOfId, shardRoots } from '../shared/lanes/key-names.ts';
import type { LaneRedis } from '../shared/lanes/commands.ts';
import type { Taken } from '../shared/lanes/messages/settle-and-take.ts';
import { readOpenAttempt } from '../shared/lanes/messages/open-attempt.ts';
import { type Shard, shardOn } from '../shared/lanes/shard.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import { version } from '../shared/version.ts';
import type { ResolveApiKey } from './keys/api-keys.ts';
import { type AttemptReport, createAttemptLog, reportOf } from './message/attempt-report.ts';
import { createAttemptSpans } from './message/attempt-spans.ts';
import type { BeforeSend } from './message/before-send.ts';
import type { ClassifyResponse } from './message/judgement.ts';
import { drain } from './bullmq/drain.ts';
import { createEngineErrors } from './fleet/engine-errors.ts';
import { createFleet } from './fleet/fleet-view.ts';
import { createKeyring } from './keys/keyring.ts';
import { createLimitKeeper } from './limits/limit-keeper.ts';
import { createShardWorker, lockTimes, type ShardWorker } from './bullmq/shard-worker.ts';
import { createProcessor } from './message/process.ts';
import { createResolveUnknown, type ResolveUnknown } from './message/resolve-unknown.ts';
import { createResolver } from './message/resolver.ts';
import { createMarks } from './fleet/marks.ts';
import { openMarkFiles } from './fleet/mark-files.ts';
import { createPlaces } from './fleet/places.ts';
import type { WorkerProgress } from './fleet/progress.ts';
import { createSend } from './message/send.ts';
import type { Sender } from './http/sender.ts';
import { openTrafficMeter } from './fleet/traffic-meter.ts';
import { createUpkeep } from './fleet/upkeep.ts';

export interface ServeDeps {
  redis: LaneRedis;
  shards: readonly Shard[];
  config: Config;
  workerId: string;
  sender: Sender;
  resolveApiKey: ResolveApiKey;
  keySourceOf(pageId: string): string;
  sealing: Sealing;
  classifyResponse: ClassifyResponse | undefined;
  beforeSend: BeforeSend | undefined;
  resolveUnknown: ResolveUnknown | undefined;
  logger: WorkerLogger;
  progress: WorkerProgress;
  report(report: AttemptReport): void;
  claimed(verdict: Taken['verdict']): void;
  /** Called for each error of Redis or BullMQ that the worker gets over, with its code. */
  engineError(code: string): void;
}

/** A worker that takes messages. */
export interface Service {
  drain(): Promise<void>;
}

/** Starts to take messages from the given shards. If it fails, it leaves nothing behind and can be called again. */
export async function serveShards(deps: ServeDeps): Promise<Service> {
  const { redis, shards, config, workerId, sealing, logger, progress } = deps;
  const { namespace, shutdownMs } = config;
  const since = new Date().toISOString();
  const errors = createEngineErrors({ logger, noted: deps.engineError });
  const fleet = createFleet({ redis, config, errors, logger, keySourceOf: deps.keySourceOf });
  const traffic = await openTrafficMeter(redis, namespace);
  const keyring = createKeyring(deps.resolveApiKey, config.timeoutMs, logger);
  const send = createSend({ ...deps, keyring });
  const resolver =
    deps.resolveUnknown &&
    createResolver({
      ask: createResolveUnknown(deps.resolveUnknown, config.timeoutMs, logger),
      readOpenAttempt: async (id) => await readOpenAttempt(shardOn(redis, namespace, shardOfId(id) ?? 0), id),
      errors,
    });
  const spans = createAttemptSpans({ config, logger });
  const processing = { config, send, fleet, keyring, sealing, beginSpan: spans.begin, errors, resolver };
  const processMessage = createProcessor(processing);

  const { stateDir } = config;
  const marks = createMarks(
    shards,
    stateDir === undefined ? null : openMarkFiles(stateDir, { namespace, workerId, logger }),
  );
  const logAttempt = createAttemptLog(logger, config.logDelivered);
  const workers = new Map<Shard, ShardWorker>();
  const places = createPlaces(shards, config.concurrency, (shard, count) => {
    const bull = workers.get(shard)?.bull;
    if (bull) bull.concurrency = count;
  });
  const upkeep = createUpkeep({
    ...config,
    shards,
    workerId,
    describe: (shard) => ({ version, since, concurrency: places.of(shard), sending: progress.openIn(shard) }),
    window: config.pageParallelism === 'auto' ? 0 : config.pageParallelism,
    limits: createLimitKeeper({
      redis,
      namespace,
      shards: shardRoots(namespace, config.shards).map((root) => ({ root })),
      workerId,
      rateLimit: config.rateLimit,
      pageRateLimit: config.pageRateLimit,
      logger,
    }),
    marks,
    holdsSuspected: config.onUnknownOutcome === 'dead-letter',
    progress,
    places,
    isFull: (shard) => workers.get(shard)?.isFull() ?? false,
    mayTake: () => fleet.leave() === 'go',
    traffic,
    lockMs: lockTimes(config.timeoutMs).lockDurationMs,
    errors,
    logger,
  });
  try {
    await upkeep.start();
    await fleet.refresh();
  } catch (error) {
    // Not awaited: it may wait for Redis, but its timers end at once.
    void upkeep.stop().catch(() => {});
    throw error;
  }
  for (const shard of shards) {
    const worker = createShardWorker(shard, {
      config,
      name: `${workerId}.${shard.index.toString(36)}`,
      places: () => places.of(shard),
      fleet,
      whereabouts: {
        position: () => marks.positionOf(shard),
        saw(seen) {
          if (seen === 'elsewhere') upkeep.lookAt(shard);
          else marks.saw(shard, seen);
        },
      },
      processMessage,
      took({ verdict }) {
        progress.took(shard);
        deps.claimed(verdict);
      },
      ended(ended, result) {
        progress.ended(shard);
        const report = reportOf(ended, result, config.attempts);
        spans.ended(ended.attempt, report);
        logAttempt(report, ended.attempt.message.missingKey);
        traffic.note({ ...report, isDead: report.next === 'dead' });
        deps.report(report);
      },
      errors,
      logger,
    });
    workers.set(shard, worker);
    worker.bull.run().catch((error: unknown) => logger.error({ err: error }, 'BullMQ has stopped taking messages'));
  }
  // The data may be older than before.
  redis.on('ready', () => shards.forEach(upkeep.lookAt));
  logger.info({ workerId, version, namespace, concurrency: config.concurrency }, 'taking messages');
  return {
    drain: async () =>
      await drain({
        workers: [...workers.values()],
        openMessages: () => progress.health().sending,
        leave: async () => await upkeep.stop(),
        tell: traffic.write,
        shutdownMs,
        logger,
      }),
  };
}
