import { setTimeout as delay } from 'node:timers/promises';
import { hold, release } from '../../../src/shared/lanes/holds/hold.ts';
import { laneOf } from '../../../src/shared/lanes/key-names.ts';
import type { EnqueueOptions } from '../../../src/producer/index.ts';
import { eventually } from '../eventually.ts';
import { textMessage } from '../messages.ts';
import type { Site } from './site.ts';
import type { Named, Targets } from './words.ts';

const PAGES = { attacked: ['v1', 'v2', 'h1'], others: ['p1', 'p2', 'h2'] } as const;
const CONVERSATIONS = 3;
const PACE_MS = 300;
const RETRY_AFTER_MS = 2000;
const SCHEDULED_MS = 3000;
const FAR_MS = 3_600_000;
/** Clocks of two processes of one machine, read in whole ms. */
const CLOCK_MS = 5;

type SendRequest = Site['api']['accepted'][number];

function textOf({
  pageId,
  conversationId,
  message,
}: Pick<SendRequest, 'pageId' | 'conversationId' | 'message'>): string {
  return `${pageId}/${conversationId} ${message.text}`;
}

/** What an app stores in one round while somebody writes into Redis, and what is owed to it. */
export interface App {
  targets: Targets;
  /** Stores messages for some seconds. */
  work(): Promise<void>;
  /** Ends a hold, and waits until everything that is owed has arrived. @returns the ids of the messages that did not arrive. */
  untilDelivered(timeoutMs: number): Promise<string[]>;
  /** What should not have happened, in words. */
  breaches(): string[];
}

export function createApp({ producer, api, shard }: Site, round: number, each: number): App {
  const named = (pages: readonly string[]): Named => ({ pages: [...pages], lanes: [], ids: [] });
  const targets: Targets = { attacked: named(PAGES.attacked), others: named(PAGES.others) };
  /** The texts that must arrive, by conversation, in order. */
  const owed = new Map<string, string[]>();
  /** The texts that must never arrive. */
  const never = new Set<string>();
  const ids = new Map<string, string>();
  /** The earliest time of a text. */
  const earliest = new Map<string, number>();
  let releasedAt = Infinity;
  let undelivered: string[] = [];

  async function store(pageId: string, name: string, n: number, options: EnqueueOptions = {}): Promise<string> {
    const conversationId = `r${round}-${name}`;
    const item = textMessage(conversationId, n, pageId);
    const { id } = await producer.enqueueMessage(item, options);
    const of = (PAGES.others as readonly string[]).includes(pageId) ? targets.others : targets.attacked;
    of.ids.push(id);
    const lane = laneOf(pageId, conversationId);
    if (!of.lanes.includes(lane)) of.lanes.push(lane);
    return id;
  }

  const identity = (pageId: string, name: string, n: number): string => `${pageId}/r${round}-${name} message ${n}`;

  async function owe(pageId: string, name: string, n: number, options: EnqueueOptions = {}): Promise<void> {
    if (options.delayMs) earliest.set(identity(pageId, name, n), Date.now() + options.delayMs - CLOCK_MS);
    ids.set(identity(pageId, name, n), await store(pageId, name, n, options));
    const conversation = `${pageId}/r${round}-${name}`;
    owed.set(conversation, [...(owed.get(conversation) ?? []), identity(pageId, name, n)]);
  }

  async function storeTurn(n: number): Promise<void> {
    for (let c = 0; c < CONVERSATIONS; c += 1) {
      const options = c === 2 ? { priority: 'high' as const } : {};
      await Promise.all([
        ...PAGES.attacked.map(async (page) => await store(page, `c${c}`, n)),
        ...PAGES.others.map(async (page) => await owe(page, `c${c}`, n, options)),
      ]);
    }
    await owe('p2', `key${n}`, n, { idempotencyKey: `r${round}-${n}` });
    await owe('p1', `soon${n}`, n, { delayMs: SCHEDULED_MS });
    await owe('p1', 'late', n);
    await owe('p1', 'again', n);
  }

  async function storeNever(): Promise<void> {
    never.add(identity('p2', 'far', 1));
    await store('p2', 'far', 1, { delayMs: FAR_MS });
    never.add(identity('p2', 'cancelled', 1));
    const id = await store('p2', 'cancelled', 1, { delayMs: SCHEDULED_MS });
    const answer = await producer.cancelMessage(id);
    if (answer !== 'cancelled') throw new Error(`a cancellation was answered with ${answer}`);
  }

  /** What arrived of the conversations to which something is owed. */
  function arrived(): Map<string, string[]> {
    const own = api.accepted.filter(({ pageId, conversationId }) => owed.has(`${pageId}/${conversationId}`));
    return new Map(
      [...Map.groupBy(own, ({ pageId, conversationId }) => `${pageId}/${conversationId}`)].map(([name, messages]) => [
        name,
        // Messages that others forge have other texts.
        messages.map(textOf).filter((text) => / message \d+$/.test(text)),
      ]),
    );
  }

  function missing(): string[] {
    const there = new Set(api.accepted.map(textOf));
    return [...owed.values()].flat().filter((text) => !there.has(text));
  }

  function breachesOfTime(): string[] {
    const notBefore = new Map(earliest);
    return api.requests.flatMap(({ body, arrivedAt, status }) => {
      const text = textOf(body as SendRequest);
      const isHeld = text.startsWith('h1/') || (text.startsWith('h2/') && arrivedAt < releasedAt);
      const isEarly = arrivedAt < (notBefore.get(text) ?? 0);
      if (status === 429) notBefore.set(text, arrivedAt + RETRY_AFTER_MS - CLOCK_MS);
      return [
        ...(isHeld ? [`sent through a hold: ${text}`] : []),
        ...(isEarly ? [`sent early: ${text}`] : []),
        ...(never.has(text) ? [`sent although it was cancelled or is not due: ${text}`] : []),
      ];
    });
  }

  return {
    targets,
    async work() {
      api.setFaults([
        {
          kind: 'status',
          status: 429,
          retryAfter: RETRY_AFTER_MS / 1000,
          match: { conversationId: `r${round}-late` },
          times: 1,
        },
        { kind: 'status', status: 500, match: { conversationId: `r${round}-again` }, times: 2 },
      ]);
      await hold(shard, { page: 'h1', reason: 'operator' });
      await hold(shard, { page: 'h2', reason: 'operator' });
      await storeNever();
      for (let n = 1; n <= each; n += 1) {
        await storeTurn(n);
        await delay(PACE_MS);
      }
    },
    async untilDelivered(timeoutMs) {
      releasedAt = Date.now();
      await release(shard, { page: 'h2' });
      // Nothing is owed of what was attacked, but its pages serve new conversations.
      for (const page of ['v1', 'v2']) await owe(page, 'afterwards', 1);
      try {
        await eventually('all is delivered', () => missing().length === 0, timeoutMs);
      } catch {
        undelivered = missing();
      }
      return undelivered.flatMap((text) => ids.get(text) ?? []);
    },
    breaches() {
      const disorder = [...arrived()].flatMap(([name, texts]) => {
        const expected = owed.get(name)?.filter((text) => texts.includes(text)) ?? [];
        return JSON.stringify(texts) === JSON.stringify(expected) ? [] : [`out of order or twice: ${texts.join(', ')}`];
      });
      return [...undelivered.map((text) => `not delivered: ${text}`), ...breachesOfTime(), ...disorder];
    },
  };
}
