import { completed } from '../support/settings.ts';
import { describe, expect, it } from 'vitest';
import { EnqueueUncertainError, QueueUnavailableError } from '../../src/producer/index.ts';
import { shardRoot } from '../../src/shared/lanes/key-names.ts';
import { deadlineIn } from '../../src/shared/redis/deadline.ts';
import { createSession } from '../../src/shared/session/session.ts';
import { readStatus } from '../../src/shared/reading/status.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';
import { settled } from '../support/settled.ts';
import { install, type Installation } from '../support/worker.ts';

const SHARDS = 4;
const CONVERSATIONS = 16;
const ENQUEUE_TIMEOUT_MS = 1500;

describe('when a master of a Redis Cluster is lost', () => {
  it.each([
    ['killed', 'kill'],
    ['frozen', 'pause'],
  ] as const)(
    '%s, messages go on in order; what was replicated is not lost, what was refused is not sent',
    async (_what, how) => {
      await using cluster = await startRedisCluster();
      await using site = await install(cluster, {
        config: { shards: SHARDS, enqueueTimeoutMs: ENQUEUE_TIMEOUT_MS },
        api: { latencyMs: 3 },
      });
      site.startWorker();
      const load = startLoad(site);
      await eventually('a hundred are stored', () => load.stored.size >= 100);
      const safe = new Set(load.stored);
      const root = shardRoot(site.config.namespace ?? '', 0);
      await cluster.untilReplicated();
      await cluster.failOver(root, how);
      const failedOver = load.stored.size;
      await eventually('as many are stored after it', () => load.stored.size >= failedOver + 100);
      const { longestMs } = await load.stop();

      expect(longestMs).toBeLessThan(ENQUEUE_TIMEOUT_MS + 1000);
      await eventually('nothing is left', async () => isIdle(site), 60_000);
      const sent = new Set(site.api.accepted.map(nameOf));
      expect([...safe].filter((name) => !sent.has(name))).toEqual([]);
      expect([...load.refused].filter((name) => sent.has(name))).toEqual([]);
      expect(load.refused.size + load.uncertain.size).toBeGreaterThan(0);
      expect(site.api.report().outOfOrder.count).toBe(0);
    },
  );
});

interface Load {
  stored: ReadonlySet<string>;
  refused: ReadonlySet<string>;
  uncertain: ReadonlySet<string>;
  stop(): Promise<{ longestMs: number }>;
}

/** Conversations into which one message after the other is put, whatever becomes of it. */
function startLoad({ producer }: Installation): Load {
  const [stored, refused, uncertain] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const over = new AbortController();
  let longestMs = 0;
  const talk = async (conversation: number): Promise<void> => {
    for (let n = 1; !over.signal.aborted; n += 1) {
      const message = textMessage(`c${conversation}`, n, `p${conversation}`);
      const startedAt = performance.now();
      const { error } = await settled(producer.enqueueMessage(message));
      longestMs = Math.max(longestMs, performance.now() - startedAt);
      if (error === undefined) stored.add(nameOf(message));
      else if (error instanceof QueueUnavailableError) refused.add(nameOf(message));
      else if (error instanceof EnqueueUncertainError) uncertain.add(nameOf(message));
      else throw error instanceof Error ? error : new Error('a call failed with what is no error');
    }
  };
  const talking = Promise.all(Array.from({ length: CONVERSATIONS }, (_, conversation) => talk(conversation)));
  return {
    stored,
    refused,
    uncertain,
    async stop() {
      over.abort();
      await talking;
      return { longestMs };
    },
  };
}

function nameOf({
  conversationId,
  message,
}: {
  conversationId: string;
  message: { text?: string | undefined };
}): string {
  return `${conversationId} ${message.text}`;
}

async function isIdle({ config }: Installation): Promise<boolean> {
  const session = createSession(completed(config));
  try {
    const { queued, sending, retrying, held } = await readStatus(session, completed(config), deadlineIn(3000));
    return queued + sending + retrying + held === 0;
  } finally {
    await session.close();
  }
}
