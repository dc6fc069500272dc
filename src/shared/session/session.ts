import { askRedis, changeRedis, notReadyError, nothingWritten, reading } from './calls.ts';
import { type Deadline, DeadlineError, within } from '../redis/deadline.ts';
import { type ConfigSource, inWordsOf, worded } from '../config/config.ts';
import type { RedisSettings } from '../config/redis-access.ts';
import { ConfigError, QueueUnavailableError } from '../errors/errors.ts';
import { isInternalError } from '../errors/failed-calls.ts';
import type { LaneRedis } from '../lanes/commands.ts';
import { connectionName, shardRoot, shardsKey } from '../lanes/key-names.ts';
import { type Shard, shardOn } from '../lanes/shard.ts';
import { isCluster } from '../redis/cluster.ts';
import { connectFailingFast } from './connect.ts';
import { probeSilent, silentForMs } from '../redis/doubt.ts';
import { isReady, lastErrorOf, whenReady } from '../redis/ready.ts';
import { isBeingReplaced, lateRefusalOf } from '../redis/refusals.ts';
import { oneNodeError } from '../redis/unfit.ts';
import { agreeOnShards, checkShards, demandReadable, type Setup } from './shard-count.ts';

export interface SessionConfig extends RedisSettings {
  namespace: string;
  shards: number;
  enqueueTimeoutMs: number;
  source: ConfigSource;
}

/** A connection to the queue for callers that need an answer soon. It is opened by the first call. */
export interface Session {
  /**
   * Returns a shard whose connection is ready, also for commands that write: the first such call sets the namespace up.
   *
   * @throws QueueUnavailableError if Redis can't be reached before the deadline.
   * @throws ConfigError if the namespace has another number of shards.
   */
  shard(index: number, deadline: Deadline): Promise<Shard>;
  /**
   * Asks a shard what changes nothing.
   *
   * @throws QueueUnavailableError that says so, ConfigError
   */
  read<T>(index: number, deadline: Deadline, question: (shard: Shard) => Promise<T>): Promise<T>;
  /** Asks all shards at once. @returns the answers in the order of the shards */
  readEach<T>(deadline: Deadline, question: (shard: Shard) => Promise<T>): Promise<T[]>;
  /**
   * Makes a change in a shard that can safely be made twice.
   *
   * @throws QueueUnavailableError, ChangeUncertainError, ConfigError
   */
  change<T>(index: number, deadline: Deadline, work: (shard: Shard) => Promise<T>): Promise<T>;
  /**
   * Does the same for a change of what is stored already: a namespace that no process has set up stays so.
   *
   * @returns `nothing` for such a namespace
   */
  changeStored<T>(index: number, deadline: Deadline, nothing: T, work: (shard: Shard) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The shortest silence after which a connection counts as dead, even if calls have shorter deadlines. */
const MIN_SILENCE_MS = 1000;
/** A connection on which nothing was heard for this long is tried before a call is trusted to it, and at least as long as calls wait. */
const MIN_DOUBT_MS = 5000;
/** How long such a connection has time to answer. */
const MAX_PROBE_MS = 500;

export function createSession(config: SessionConfig): Session {
  let connection: LaneRedis | null = null;
  let waiting = 0;
  let closed = false;
  /** Whether a call on this connection writes, so that it has to lead to a primary. */
  let needsPrimary = false;
  let agreement: Promise<Setup> | null = null;
  /** Whether the agreement is reached, so that shards can be used without further checks as long as the connection stays open. */
  let isAgreed = false;
  const shards = new Map<number, Shard>();

  function connect(): LaneRedis {
    const silenceMs = Math.max(config.enqueueTimeoutMs, MIN_SILENCE_MS);
    const name = connectionName(config.namespace);
    const redis = inWordsOf(config.source, () => connectFailingFast(config, silenceMs, name, () => needsPrimary));
    // Redis may come back without its data, or with another number of shards, so each new connection checks that again.
    const forgetAgreement = (): void => {
      if (redis === connection) forgetChecks();
    };
    redis.on('close', () => {
      forgetAgreement();
      if (redis === connection) dropUnlessNeeded(redis);
    });
    if (isCluster(redis)) redis.on('-node', forgetAgreement);
    return redis;
  }

  function forgetChecks(): void {
    agreement = null;
    isAgreed = false;
  }

  /** Closes a connection that no call waits for: its attempts to reconnect would keep an idle program alive. */
  function dropUnlessNeeded(redis: LaneRedis): void {
    if (waiting === 0 && redis === connection && !isReady(redis)) drop();
  }

  function drop(): void {
    connection?.disconnect();
    connection = null;
    needsPrimary = false;
    forgetChecks();
    shards.clear();
  }

  const doubtMs = Math.max(config.enqueueTimeoutMs, MIN_DOUBT_MS);
  const probeMs = Math.min(config.enqueueTimeoutMs / 2, MAX_PROBE_MS);

  function isDoubtful(redis: LaneRedis, keys: readonly string[]): boolean {
    return keys.some((key) => silentForMs(redis, key) >= doubtMs);
  }

  /** Finds out whether a connection still works. If not, it is replaced. */
  async function tried(redis: LaneRedis, deadline: Deadline): Promise<void> {
    try {
      await within(deadline, probeSilent(redis, { silentMs: doubtMs, limitMs: probeMs }));
    } catch (error) {
      throw nothingWritten(error, 'Redis refused a command');
    }
  }

  /** Keys on the nodes that a call to a shard asks. */
  function keysFor(root: string): string[] {
    return agreement ? [root] : [shardsKey(config.namespace), root];
  }

  function opened(): LaneRedis {
    try {
      return connect();
    } catch (error) {
      throw nothingWritten(error, 'Redis refused the connection');
    }
  }

  async function connected(root: string, deadline: Deadline): Promise<LaneRedis> {
    if (closed) throw closedError();
    const redis = (connection ??= opened());
    waiting += 1;
    let ready = true;
    for (const key of keysFor(root)) ready &&= await whenReady(redis, deadline.leftMs(), key);
    waiting -= 1;
    if (ready) return redis;
    if (closed) throw closedError();
    const cause = lastErrorOf(redis) ?? lateRefusalOf(redis);
    dropUnlessNeeded(redis);
    if (cause instanceof ConfigError) throw worded(cause, config.source);
    throw notReadyError(cause);
  }

  /** Checks the number of shards once for all calls. A failure isn't kept, and neither is that the namespace isn't set up. */
  async function agreed(redis: LaneRedis, mayWrite: boolean): Promise<void> {
    for (;;) {
      const agreeing = (agreement ??= agree(redis, mayWrite));
      let setup: Setup | null = null;
      try {
        setup = await agreeing;
      } finally {
        if (setup !== 'ready' && agreement === agreeing) agreement = null;
      }
      if (setup === 'ready') {
        isAgreed ||= agreement === agreeing;
        return;
      }
      // A call that writes may have waited for the check of one that only reads.
      if (mayWrite) continue;
      demandReadable(setup, config.namespace, config.shards);
      return;
    }
  }

  async function agree(redis: LaneRedis, mayWrite: boolean): Promise<Setup> {
    if (!mayWrite) return await checkShards(redis, config.namespace, config.shards);
    await agreeOnShards(redis, config.namespace, config.shards);
    return 'ready';
  }

  /** Returns one object for each connection, by which callers know what they have opened on it. */
  function shardOf(redis: LaneRedis, index: number): Shard {
    const known = shards.get(index);
    if (known?.redis === redis) return known;
    const shard = shardOn(redis, config.namespace, index);
    shards.set(index, shard);
    return shard;
  }

  async function shardAt(index: number, deadline: Deadline, mayWrite: boolean): Promise<Shard> {
    const root = shardRoot(config.namespace, index);
    if (connection && isAgreed && isReady(connection, root) && !isDoubtful(connection, [root])) {
      return shardOf(connection, index);
    }
    for (;;) {
      // Again for each connection, since one that was given up takes this with it.
      needsPrimary ||= mayWrite;
      const redis = await connected(root, deadline);
      if (isDoubtful(redis, keysFor(root))) {
        await tried(redis, deadline);
        continue;
      }
      try {
        await within(deadline, agreed(redis, mayWrite));
        return shardOf(redis, index);
      } catch (error) {
        if (error instanceof ConfigError) throw worded(error, config.source);
        const oneNode = oneNodeError(error);
        if (oneNode) throw worded(oneNode, config.source);
        // If the connection was lost meanwhile, the loop waits for it again until the deadline.
        if (error instanceof DeadlineError || isReady(redis, root) || isInternalError(error)) {
          throw nothingWritten(error, 'Redis refused a command');
        }
      }
    }
  }

  async function read<T>(index: number, deadline: Deadline, question: (shard: Shard) => Promise<T>): Promise<T> {
    const shard = await reading(shardAt(index, deadline, false));
    return await askRedis(deadline, question(shard));
  }

  async function change<T>(index: number, deadline: Deadline, work: (shard: Shard) => Promise<T>): Promise<T> {
    for (;;) {
      const shard = await shardAt(index, deadline, true);
      try {
        return await changeRedis(deadline, () => work(shard));
      } catch (error) {
        if (!(error instanceof QueueUnavailableError && isBeingReplaced(shard.redis, error.cause))) throw error;
      }
    }
  }

  /** Whether Redis says that no process has set the namespace up; `false` if it refuses to say, which the change itself reports. */
  async function isUnused(deadline: Deadline): Promise<boolean> {
    if (agreement !== null) return false;
    needsPrimary = true;
    const redis = await connected(shardsKey(config.namespace), deadline);
    try {
      return (await within(deadline, checkShards(redis, config.namespace, config.shards))) === 'unused';
    } catch {
      return false;
    }
  }

  return {
    shard: (index, deadline) => shardAt(index, deadline, true),
    read,
    async readEach(deadline, question) {
      const indexes = Array.from({ length: config.shards }, (_, index) => index);
      return await Promise.all(indexes.map((index) => read(index, deadline, question)));
    },
    change,
    changeStored: async (index, deadline, nothing, work) =>
      (await isUnused(deadline)) ? nothing : await change(index, deadline, work),
    async close() {
      closed = true;
      drop();
    },
  };
}

function closedError(): QueueUnavailableError {
  return new QueueUnavailableError('This connection is closed', { cure: 'Open a new one.' });
}
