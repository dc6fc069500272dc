import { type BackendFactory, createRedisBackend, type JobJson, type RedisQueueBackend } from 'bullmq';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import type { AttemptToSettle, SettleResult } from '../../shared/lanes/messages/settle-and-take.ts';
import type { TakenHere } from '../message/attempt.ts';
import type { Turns } from './settle-and-take.ts';

/** An attempt to settle, and a callback for the result. */
export interface Settleable extends AttemptToSettle {
  settled(result: SettleResult): void;
}

/** Messages that BullMQ is processing; BullMQ itself gets little more of them than their ids. */
export interface UnderWay {
  /** Messages that were given to BullMQ and whose processor has not started. */
  handed: Map<string, TakenHere>;
  /** Messages whose processor has ended. */
  ended: Map<string, Settleable>;
}

export interface LaneBackendDeps {
  turns: Turns;
  /** Looks for messages whose worker died. */
  findStalled(): Promise<number>;
  underWay: UnderWay;
  logger: WorkerLogger;
}

type Fetched = [job: JobJson | undefined, id: string | undefined, limitMs: number, untilMs: number];
interface Finished {
  result: Fetched | undefined;
  finishedOn: number;
}

/** Returns BullMQ's Redis backend, except that our scripts take and settle messages, so BullMQ never moves a job. */
export function laneBackendOf({
  turns,
  findStalled,
  underWay: { handed, ended },
  logger,
}: LaneBackendDeps): BackendFactory<RedisQueueBackend> {
  function hand(taken: TakenHere | undefined): Fetched {
    if (!taken) return [undefined, undefined, 0, 0];
    handed.set(taken.id, taken);
    return [jobOf(taken), taken.id, 0, 0];
  }

  async function settle(id: string, wantsNext: boolean): Promise<Finished> {
    const attempt = ended.get(id);
    if (!attempt) throw new Error('BullMQ settles a message whose attempt has not ended');
    ended.delete(id);
    const { result, next } = await turns.settle(attempt, wantsNext);
    attempt.settled(result);
    return { result: wantsNext ? hand(next) : undefined, finishedOn: Date.now() };
  }

  return (name, opts, kinds) => {
    const redis = createRedisBackend(name, opts, kinds);
    const bullMq = {
      waitForJob: redis.waitForJob.bind(redis),
      disconnectBlocking: redis.disconnectBlocking.bind(redis),
      extendLocks: redis.extendLocks.bind(redis),
    };
    return Object.assign(redis, {
      moveToActive: async (): Promise<Fetched> => hand(await turns.take()),

      moveToCompleted: async (
        { id = '' }: { id?: string },
        ...[, , , fetchNext]: [unknown, unknown, string, boolean]
      ) => await settle(id, fetchNext),

      async moveToFailed({ id = '' }: { id?: string }): Promise<Finished> {
        turns.abandon();
        logger.error(
          { id },
          'internal error while processing a message; a worker takes the message again when its lock has ended. Please report this with the log',
        );
        return await Promise.resolve({ result: undefined, finishedOn: Date.now() });
      },

      async waitForJob(blockTimeout: number): Promise<{ member: string; score: number }> {
        await turns.untilWork(async () => (await bullMq.waitForJob(blockTimeout)) !== null);
        return { member: '0', score: 0 };
      },

      async disconnectBlocking(wait?: boolean): Promise<void> {
        turns.stopWaiting();
        await bullMq.disconnectBlocking(wait);
      },

      async moveStalledJobsToWait(): Promise<string[]> {
        await findStalled();
        return [];
      },

      /** All locks have the same token, because attempts have names of their own. */
      extendLocks: async (ids: string[], tokens: string[], durationMs: number): Promise<string[]> =>
        await bullMq.extendLocks(
          ids,
          tokens.map(() => turns.token),
          durationMs,
        ),
    });
  };
}

/** Returns the job that BullMQ gets for a message: without the message's content. */
function jobOf({ id, type, enqueuedAtMs }: TakenHere): JobJson {
  return {
    id,
    name: type,
    data: 'null',
    opts: {},
    progress: 0,
    attemptsMade: 0,
    attemptsStarted: 0,
    timestamp: enqueuedAtMs,
    processedOn: Date.now(),
  } as JobJson;
}
