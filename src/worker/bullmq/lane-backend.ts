import { type BackendFactory, createRedisBackend, type JobJson, type RedisQueueBackend } from 'bullmq';
import type { Logger } from 'pino';
import type { AttemptToSettle, SettleResult } from '../../shared/lanes/messages/turn.ts';
import type { TakenHere } from '../message/attempt.ts';
import type { Turns } from './turns.ts';

/** How an attempt ended, and who is told what became of its message. */
export interface Settleable extends AttemptToSettle {
  settled(result: SettleResult): void;
}

/** Messages on their way through BullMQ, which gets nothing of them but their ids. */
export interface UnderWay {
  /** Given to BullMQ: their processor has not begun. */
  handed: Map<string, TakenHere>;
  /** Their processor has ended. */
  ended: Map<string, Settleable>;
}

export interface LaneBackendDeps {
  turns: Turns;
  underWay: UnderWay;
  logger: Logger;
}

type Fetched = [job: JobJson | undefined, id: string | undefined, limitMs: number, untilMs: number];
interface Finished {
  result: Fetched | undefined;
  finishedOn: number;
}

/** BullMQ's Redis backend, but for what moves a message: our scripts take and settle it, and BullMQ never moves a job. */
export function laneBackendOf({
  turns,
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
    if (!attempt) throw new Error('BullMQ settles a message that did not end');
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
          'internal error; it is found out later what became of the message. Please report this with the log',
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

      /** One token is enough: attempts have names of their own. */
      extendLocks: async (ids: string[], tokens: string[], durationMs: number): Promise<string[]> =>
        await bullMq.extendLocks(
          ids,
          tokens.map(() => turns.token),
          durationMs,
        ),
    });
  };
}

/** What BullMQ needs of a message; what the message says stays out of it. */
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
