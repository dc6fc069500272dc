import { type AttemptRecord, decodeHistory } from '../attempts.ts';
import { absentKey } from '../keys.ts';
import type { Shard } from '../queues.ts';
import { answerOf, inBatches } from './in-batches.ts';

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
  | { verdict: 'settled'; as: 'delivered' | 'dead' | 'cancelled' }
  /** Everything else allows to send: the fleet is to be asked. */
  | { verdict: 'ask' }
  | { verdict: 'wait'; delayMs: number }
  | { verdict: 'go' | 'unknown' | 'expired' | 'crashed'; claimed: Claimed };

/** What the fleet says of a message, as far as this worker knows: its limit, the API and the key. */
export type FleetWord = { verdict: 'go' | 'ask' | 'probe' } | { verdict: 'slot' | 'hold'; delayMs: number };

const FREE: FleetWord = { verdict: 'go' };

/** What a worker has to show for a job. */
export interface Ticket {
  id: string;
  /** The token of BullMQ's lock. */
  token: string;
  /** The name of the attempt that is opened. */
  attempt: string;
}

type Answer = [Claim['verdict'], ...(string | number)[]];

const ask = inBatches<readonly [Ticket, FleetWord], Answer>(async (shard, applications) => {
  const tickets = applications.map(([{ id, token, attempt }, fleet]) => [
    id,
    token,
    attempt,
    fleet.verdict,
    'delayMs' in fleet ? Math.ceil(fleet.delayMs) : 0,
  ]);
  const { redis, root } = shard;
  return (await redis.laneClaim(
    `${root}lanes`,
    absentKey(shard),
    root,
    MAX_STARTS,
    JSON.stringify(tickets),
  )) as Answer[];
});

/** Asks what may be done with a job that BullMQ handed out, and opens an attempt if it may be sent. */
export async function claim(shard: Shard, ticket: Ticket, fleet = FREE): Promise<Claim> {
  const reply = answerOf(await ask(shard, [ticket, fleet]));
  const [verdict, first] = reply;
  switch (verdict) {
    case 'lost':
    case 'foreign':
    case 'parked':
    case 'ask':
      return { verdict };
    case 'settled':
      return { verdict, as: first as 'delivered' | 'dead' | 'cancelled' };
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
          openAttempt: verdict === 'go' ? ticket.attempt : String(open),
        },
      };
    }
  }
}
