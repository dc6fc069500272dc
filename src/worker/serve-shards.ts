import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Config } from '../shared/config.ts';
import type { LaneRedis } from '../shared/lanes/commands.ts';
import type { Shard } from '../shared/queues.ts';
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
import { placesIn, type Progress } from './progress.ts';
import type { Sender } from './sender.ts';
import { createShardWorker } from './shard-worker.ts';
import { openTrafficMeter } from './traffic-meter.ts';
import { createUpkeep } from './upkeep.ts';

export interface ServeDeps {
  redis: LaneRedis;
  shards: readonly Shard[];
  config: Config;
  workerId: string;
  sender: Sender;
  resolveApiKey: ResolveApiKey;
  classifyResponse: ClassifyResponse | undefined;
  logger: Logger;
  progress: Progress;
  report(report: AttemptReport): void;
  claimed(verdict: ClaimVerdict): void;
}

/** Starts taking messages from all shards. */
export async function serveShards(deps: ServeDeps): Promise<{ drain(): Promise<void> }> {
  const { shards, config, workerId, logger, progress } = deps;
  const concurrency = placesIn(config);
  const since = new Date().toISOString();
  const fleet = createFleet(deps.redis, config, logger);
  const traffic = await openTrafficMeter(deps.redis, config.namespace);
  const keyring = createKeyring(deps.resolveApiKey, config.timeoutMs, logger);
  const processMessage = createProcessor({
    config,
    admit: createAdmission(fleet, keyring),
    send: progress.timed(createSendAttempt({ ...deps, keyring })),
    fleet,
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

  const upkeep = createUpkeep({
    shards,
    workerId,
    describe: (shard) => ({ version, since, concurrency, sending: progress.openIn(shard) }),
    fleet,
    progress,
    traffic,
    bury: config,
    keepDeadMs: config.keepDeadMs,
    logger,
  });
  await upkeep.start();
  const workers = shards.map((shard) => {
    const worker = createShardWorker(shard, { ...config, concurrency }, processCounted, logger);
    worker.on('stalled', (id) => {
      buryIfUnreadable(shard, id, config).catch((error: unknown) => {
        logger.warn({ err: error, id }, 'a message whose worker died could not be looked at');
      });
    });
    return worker;
  });
  for (const worker of workers) {
    worker.run().catch((error: unknown) => logger.error({ err: error }, 'BullMQ stopped taking messages'));
  }
  logger.info({ workerId, version, namespace: config.namespace, concurrency: config.concurrency }, 'taking messages');
  const openMessages = (): number => progress.health().sending;
  const leave = async (): Promise<void> => await upkeep.stop();
  const { shutdownMs } = config;
  return { drain: () => drain({ workers, openMessages, leave, tell: traffic.write, shutdownMs, logger }) };
}

/** Names that no other attempt has; they say which worker made it. */
function attemptNames(workerId: string): () => string {
  // A restarted container may have the host name and the process id of the one before.
  const prefix = `${workerId}.${randomBytes(4).toString('base64url')}`;
  let attempts = 0;
  return () => `${prefix}.${(attempts += 1).toString(36)}`;
}
