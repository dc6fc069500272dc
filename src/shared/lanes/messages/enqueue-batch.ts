import { isCluster } from '../../redis/cluster.ts';
import { noteRefusal } from '../../redis/refusals.ts';
import type { LaneRedis } from '../commands.ts';
import type { MemoryLook } from '../../redis/used-memory.ts';
import { createScriptLine, inLine } from './script-line.ts';

/** What one message adds to a call of the script. */
export interface Member {
  args: readonly (string | number)[];
  size: number;
  /** The part of Redis's memory limit from which on the message is not stored. */
  redisFullAt: number;
  /** Called whenever the message is about to leave. If it throws, the message stays here, and `add` throws the same error. */
  beforeSending: () => void;
}

export interface EnqueueBatch {
  /** @returns the answer to this message. @throws the error that Redis answered to it or to the whole call. */
  add(member: Member): Promise<unknown>;
}

interface Waiting extends Member {
  resolve: (answer: unknown) => void;
  reject: (error: unknown) => void;
}

interface Script {
  sha: string;
  lua: string;
  numberOfKeys: number;
}

/** The most messages in one call: Redis does nothing else while it stores them. */
const MOST_AT_ONCE = 32;
const MOST_CHARACTERS_AT_ONCE = 256 * 1024;

/**
 * Collects the messages of one turn of the event loop and sends them in as few calls as they fit into, in their order.
 *
 * @param common returns the script's keys and the arguments before the messages; called for each call of the script
 */
export function createEnqueueBatch(
  redis: LaneRedis,
  common: (usedPart: number) => (string | number)[],
  memory: MemoryLook,
): EnqueueBatch {
  const { laneEnqueue: script }: Record<string, Script | undefined> = redis.scriptsSet;
  if (!script) throw new Error('this connection does not know our scripts');
  const { sha, lua, numberOfKeys } = script;
  const line = createScriptLine();
  let collected: Waiting[] = [];
  let isSending = false;

  /** Never rejects: the promise of each message is settled by itself. */
  async function call(members: Waiting[], usedPart: number): Promise<void> {
    let leaving = members;
    try {
      const answers = await inLine(line, async (isAgain) => {
        leaving = leaving.filter(mayLeave);
        if (leaving.length === 0) return [];
        const args = [...common(usedPart), ...leaving.flatMap((member) => member.args)];
        // Not `redis.laneEnqueue`: if Redis lacks the script, ioredis repeats that call by itself, and others could overtake it.
        const run = isAgain ? redis.eval(lua, numberOfKeys, ...args) : redis.evalsha(sha, numberOfKeys, ...args);
        return (await run) as unknown[];
      });
      for (const [index, { resolve, reject }] of leaving.entries()) {
        const answer = answers[index];
        if (!(answer instanceof Error)) {
          resolve(answer);
          continue;
        }
        noteRefusal(redis, answer);
        reject(answer);
      }
    } catch (error) {
      for (const { reject } of leaving) reject(error);
    }
  }

  async function sendAll(): Promise<void> {
    isSending = true;
    while (collected.length > 0) {
      const count = howManyFit(collected);
      const members = collected.slice(0, count);
      collected = collected.slice(count);
      const [first] = members;
      const known = first ? memory.usedPart(first.redisFullAt) : 0;
      // Waits in the line of calls, so that no later message overtakes these.
      const answered = call(members, typeof known === 'number' ? known : await known);
      // While a slot moves, a call may be redirected to another node, and a later call that goes there at once would overtake it.
      if (isCluster(redis)) await answered;
    }
    isSending = false;
  }

  return {
    async add(member) {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      collected.push({ ...member, resolve, reject });
      // Runs after the promises that are settled by now, whose callers may add more messages.
      if (collected.length === 1 && !isSending) process.nextTick(sendAll);
      return await promise;
    },
  };
}

function howManyFit(members: readonly Member[]): number {
  let size = 0;
  const tooMany = members.slice(0, MOST_AT_ONCE).findIndex((member) => (size += member.size) > MOST_CHARACTERS_AT_ONCE);
  return tooMany === -1 ? Math.min(members.length, MOST_AT_ONCE) : Math.max(1, tooMany);
}

function mayLeave({ beforeSending, reject }: Waiting): boolean {
  try {
    beforeSending();
    return true;
  } catch (error) {
    reject(error);
    return false;
  }
}
