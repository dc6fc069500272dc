import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Config } from '../shared/config.ts';
import type { LaneRedis } from '../shared/lanes/commands.ts';
import type { Shard } from '../shared/queues.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import { version } from '../shared/version.ts';
import { createAdmission } from './admit.ts';
import type { ResolveApiKey } from './api-keys.ts';
import { type AttemptReport, logAttempt } from './attempt-report.ts';
import type { ClassifyResponse } from './classify.ts';
import { createSendAttempt } from './attempt.ts';
import { buryIfUnreadable } from './bury-lost.ts';
import { drain } from './drain.ts';
import { createFleet } from './fleet.ts';
import { createKeyring } from './keyring.ts';
import { type ClaimVerdict, createProcessor, type ProcessMessage } from './process-message.ts';
import { createPlaces } from './places.ts';
import type { Progress } from './progress.ts';
import type { Sender } from './sender.ts';
import { createShardWorker, type ShardWorker } from './shard-worker.ts';
import { openTrafficMeter } from './traffic-meter.ts';
import { createUpkeep } from './upkeep.ts';

export interface ServeDeps {
  redis: LaneRedis;
  shards: readonly Shard[];
  config: Config;
  workerId: string;
  sender: Sender;
  resolveApiKey: ResolveApiKey;
  sealing: Sealing;
  classifyResponse: ClassifyResponse | undefined;
  logger: Logger;
  progress: Progress;
  report(report: AttemptReport): void;
  claimed(verdict: ClaimVerdict): void;
}

/** Starts taking messages from all shards. */
export async function serveShards(deps: ServeDeps): Promise<{ drain(): Promise<void> }> {
  const { shards, config, workerId, sealing, logger, progress } = deps;
  const buryConfig = { ...config, sealing };
  const since = new Date().toISOString();
  const fleet = createFleet(deps.redis, config, logger);
  const traffic = await openTrafficMeter(deps.redis, config.namespace);
  const keyring = createKeyring(deps.resolveApiKey, config.timeoutMs, logger);
  const processMessage = createProcessor({
    config,
    admit: createAdmission(fleet, keyring),
    send: progress.timed(createSendAttempt({ ...deps, keyring })),
    fleet,
    sealing,
    logger,
    report(report) {
      logAttempt(logger, report);
      traffic.note(report);
      deps.report(report);
    },
    claimed: deps.claimed,
    newAttempt: attemptNames(workerId),
  });

  const processCounted: ProcessMessage = async (shard, job, token, signal) => {
    progress.took(shard);
    try {
      await processMessage(shard, job, token, signal);
    } finally {
      progress.ended(shard);
    }
  };

  const workers = new Map<Shard, ShardWorker>();
  const places = createPlaces(shards, config.concurrency, (shard, count) => {
    const bull = workers.get(shard)?.bull;
    if (bull) bull.concurrency = count;
  });
  const upkeep = createUpkeep({
    shards,
    workerId,
    describe: (shard) => ({ version, since, concurrency: places.of(shard), sending: progress.openIn(shard) }),
    fleet,
    progress,
    places,
    traffic,
    bury: buryConfig,
    keepDeadMs: config.keepDeadMs,
    logger,
  });
  await upkeep.start();
  for (const shard of shards) {
    const worker = createShardWorker(shard, { ...config, concurrency: places.of(shard) }, processCounted, logger);
    workers.set(shard, worker);
    worker.bull.on('stalled', (id) => {
      buryIfUnreadable(shard, id, buryConfig).catch((error: unknown) => {
        logger.warn({ err: error, id }, 'a message whose worker died could not be looked at');
      });
    });
  }
  for (const worker of workers.values()) {
    worker.bull.run().catch((error: unknown) => logger.error({ err: error }, 'BullMQ stopped taking messages'));
  }
  logger.info({ workerId, version, namespace: config.namespace, concurrency: config.concurrency }, 'taking messages');
  const openMessages = (): number => progress.health().sending;
  const leave = async (): Promise<void> => await upkeep.stop();
  const { shutdownMs } = config;
  return {
    drain: () =>
      drain({ workers: [...workers.values()], openMessages, leave, tell: traffic.write, shutdownMs, logger }),
  };
}

/** Names that no other attempt has; they say which worker made it. */
function attemptNames(workerId: string): () => string {
  // A restarted container may have the host name and the process id of the one before.
  const prefix = `${workerId}.${randomBytes(4).toString('base64url')}`;
  let attempts = 0;
  return () => `${prefix}.${(attempts += 1).toString(36)}`;
}
