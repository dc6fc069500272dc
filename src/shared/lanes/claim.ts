import { type AttemptRecord, decodeHistory } from '../attempts.ts';
import { jobKeys, type Shard } from '../queues.ts';

/** A message that kept its workers from ever settling it this many times is taken to kill them. */
const MAX_STARTS = 5;

/** What is known of the message that a worker was given. */
export interface Claimed {
  attemptsUsed: number;
  history: AttemptRecord[];
  /** How long the worker's lock lasted when Redis answered. */
  lockMs: number;
  /** The attempt that is open on the message: ours after `go`, that of a dead worker after `unknown`. */
  openAttempt: string;
}

export type Claim =
  | { verdict: 'lost' | 'foreign' | 'parked' }
  | { verdict: 'settled'; as: 'delivered' | 'dead' }
  | { verdict: 'wait'; delayMs: number }
  | { verdict: 'go' | 'unknown' | 'expired' | 'crashed'; claimed: Claimed };

/** Asks what may be done with a job that BullMQ handed out, and opens an attempt under `attempt` if it may be sent. */
export async function claim(shard: Shard, id: string, token: string, attempt: string): Promise<Claim> {
  const { job, lock } = jobKeys(shard, id);
  const reply = (await shard.redis.laneClaim(job, lock, shard.root, id, token, attempt, MAX_STARTS)) as [
    Claim['verdict'],
    ...(string | number)[],
  ];
  const [verdict, first] = reply;
  switch (verdict) {
    case 'lost':
    case 'foreign':
    case 'parked':
      return { verdict };
    case 'settled':
      return { verdict, as: first === 'dead' ? 'dead' : 'delivered' };
    case 'wait':
      return { verdict, delayMs: Number(first) };
    case 'go':
    case 'unknown':
    case 'expired':
    case 'crashed': {
      const [, used, history, lockMs, open] = reply;
      return {
        verdict,
        claimed: {
          attemptsUsed: Number(used),
          history: decodeHistory(String(history)),
          lockMs: Number(lockMs),
          openAttempt: verdict === 'go' ? attempt : String(open),
        },
      };
    }
  }
}
