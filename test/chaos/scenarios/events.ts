import { setTimeout as delay } from 'node:timers/promises';
import { createProducer, type EnqueueItem, type Producer } from '../../../src/producer/index.ts';
import type { RedisServer } from '../../../src/testing/redis/redis-handle.ts';
import { startRedisServer } from '../../../src/testing/redis/redis-server.ts';
import { eventually } from '../../support/eventually.ts';
import { manyMessages } from '../../support/messages.ts';
import { type Arena, identityOf } from '../arena.ts';
import { type Consumers, startConsumers } from '../consumers.ts';
import { compareEvents, type EndedMessage, eventViolationsOf } from '../events-ledger.ts';
import { inArenaOn } from '../in-arena.ts';
import { settleAccounts, unansweredBy, untilEnded } from '../ledger.ts';
import type { Outcome, Scenario } from '../scenario.ts';

const GROUP = 'ledger';
const CONVERSATIONS = 500;
const CANCELLED_PART = 0.03;
/** Longer than a lease of a killed consumer. */
const STILL_MS = 40_000;

interface EventsFaults {
  name: string;
  messages: number;
  workerKills: number;
  consumerKills: number;
  redisKills: number;
}

/** A group is told what becomes of messages while workers, consumers and Redis are killed. */
function eventsScenario({ name, messages, workerKills, consumerKills, redisKills }: EventsFaults): Scenario {
  return inArenaOn<RedisServer>({
    name,
    // No acknowledged write is lost, so nothing is excused.
    startRedis: () => startRedisServer({ appendOnly: true, args: ['--appendfsync', 'always'] }),
    workers: 3,
    api: {
      latencyMs: 60,
      faults: [
        { kind: 'status', status: 500, rate: 0.03 },
        { kind: 'status', status: 400, rate: 0.01 },
        { kind: 'hang', accept: false, rate: 0.002 },
        { kind: 'hang', accept: true, rate: 0.002 },
      ],
    },
    async play(arena) {
      const { url: redisUrl } = arena.server;
      await using producer = createProducer({ redisUrl });
      await using consumers = startConsumers(3, { redisUrl, group: GROUP, thinkMs: 2 }, arena.random);
      await eventually('the group is there', async () => {
        return (await arena.shard.redis.hexists(`${arena.shard.root}readers`, `seen:${GROUP}`)) === 1;
      });
      const items = manyMessages(CONVERSATIONS, messages / CONVERSATIONS, 8);
      const ids = await storeAll(arena, producer, items);
      const cancelling = cancelSome(arena, producer, ids);
      await Promise.all([
        strikeOften(workerKills, messages, arenaProgress(arena), () => arena.fleet.killOne()),
        strikeOften(
          consumerKills,
          messages,
          async () => consumers.events.length,
          () => consumers.killOne(),
        ),
        strikeOften(redisKills, messages, arenaProgress(arena), () => killRedis(arena)),
      ]);
      const cancelled = await cancelling;
      await untilEnded(arena);
      const ended = await endsOf(arena, items, ids, cancelled);
      await untilTold(consumers, ended.length);
      return await judge(arena, consumers, ended);
    },
  });
}

const arenaProgress =
  ({ api }: Arena<RedisServer>) =>
  async (): Promise<number> =>
    (await api.counts()).accepted;

async function storeAll(
  arena: Arena<RedisServer>,
  producer: Producer,
  items: readonly EnqueueItem[],
): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < items.length; from += 500) {
    const part = items.slice(from, from + 500);
    ids.push(...(await producer.enqueueMessages(part)).map(({ id }) => id));
    for (const item of part) arena.stored.set(identityOf(item), Date.now());
  }
  return ids;
}

/** Cancels messages at random places, as long as some are open. @returns those that Redis says it cancelled */
async function cancelSome(
  { random }: Arena<RedisServer>,
  producer: Producer,
  ids: readonly string[],
): Promise<Set<string>> {
  const cancelled = new Set<string>();
  const count = Math.round(ids.length * CANCELLED_PART);
  for (let nth = 0; nth < count; nth += 1) {
    const id = ids[Math.floor(random() * ids.length)] ?? '';
    if ((await cancelUntilSure(producer, id)) === 'cancelled') cancelled.add(id);
    await delay(random() * 60);
  }
  return cancelled;
}

async function cancelUntilSure(producer: Producer, id: string): Promise<string> {
  for (;;) {
    try {
      return await producer.cancelMessage(id);
    } catch {
      await delay(50);
    }
  }
}

/** Strikes spread over the progress, not over time, so that each of them hits a busy process. */
async function strikeOften(
  strikes: number,
  messages: number,
  progress: () => Promise<number>,
  strike: () => Promise<void>,
): Promise<void> {
  for (let nth = 1; nth <= strikes; nth += 1) {
    const enough = (nth * messages * 0.9) / (strikes + 2);
    await eventually('some more were handled', async () => (await progress()) >= enough, 200_000);
    await strike();
  }
}

async function killRedis(arena: Arena<RedisServer>): Promise<void> {
  await arena.fleet.whileStopped(() => arena.server.kill('SIGKILL'));
  await delay(200 + arena.random() * 1200);
  await arena.server.restart();
  arena.fleet.countKill();
}

async function endsOf(
  arena: Arena<RedisServer>,
  items: readonly EnqueueItem[],
  ids: readonly string[],
  cancelled: ReadonlySet<string>,
): Promise<EndedMessage[]> {
  const dead = new Set((await arena.deadLetters.list({ limit: 1_000_000 })).map(({ id }) => id));
  const accepted = new Set((await arena.api.accepted()).map(identityOf));
  const endOf = (id: string, item: EnqueueItem): EndedMessage['end'] | null => {
    if (dead.has(id)) return 'dead';
    if (cancelled.has(id)) return 'cancelled';
    return accepted.has(identityOf(item)) ? 'delivered' : null;
  };
  return items.flatMap((item, place) => {
    const id = ids[place] ?? '';
    const end = endOf(id, item);
    return end === null ? [] : [{ id, conversation: `${item.pageId}/${item.conversationId}`, place, end }];
  });
}

/** Waits until a group was told this number of ends, or is told none any more. */
async function untilTold({ events }: Consumers, ends: number): Promise<void> {
  let before = -1;
  let lastMove = performance.now();
  for (;;) {
    const told = new Set(events.map(({ id }) => id)).size;
    if (told >= ends || performance.now() - lastMove > STILL_MS) return;
    if (told > before) lastMove = performance.now();
    before = told;
    await delay(200);
  }
}

async function judge(
  arena: Arena<RedisServer>,
  consumers: Consumers,
  ended: readonly EndedMessage[],
): Promise<Outcome> {
  const told = compareEvents(ended, consumers.events);
  const countOf = (end: EndedMessage['end']): number => ended.filter((message) => message.end === end).length;
  const outcome = await settleAccounts(arena, {
    duplicates: arena.fleet.struck.length + (await unansweredBy(arena)),
    dead: countOf('dead'),
  });
  return {
    ...outcome,
    kills: outcome.kills + consumers.kills,
    // A cancelled message is neither accepted nor dead, so messages without an end are what is lost.
    lost: arena.stored.size - ended.length + told.lost.length,
    unexpected: outcome.unexpected + told.invented.length + told.renamed.length,
    inversions: outcome.inversions + told.disordered.length,
    violations: eventViolationsOf(told),
    figures: `events ${ended.length} (${countOf('cancelled')} cancelled), ${told.again} again`,
  };
}

export const eventsWithKills = eventsScenario({
  name: 'events: worker and consumer SIGKILLs',
  messages: 10_000,
  workerKills: 20,
  consumerKills: 10,
  redisKills: 0,
});

export const eventsWithRedisKills = eventsScenario({
  name: 'events: worker, consumer and Redis SIGKILLs',
  messages: 5000,
  workerKills: 20,
  consumerKills: 10,
  redisKills: 5,
});

/** The same, short enough for each change. */
export const eventsWithSomeKills = eventsScenario({
  name: 'events: some SIGKILLs of workers and consumers',
  messages: 2000,
  workerKills: 6,
  consumerKills: 4,
  redisKills: 0,
});
