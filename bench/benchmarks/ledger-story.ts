import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ledger } from '../../src/shared/ledger/ledger.ts';
import { openLedger } from '../../src/shared/ledger/open-ledger.ts';
import { DAY_MS } from '../../src/shared/ledger/kept-event.ts';
import type { SettledEvent } from '../../src/shared/model/event.ts';
import type { Benchmark, Measurement, Side } from '../benchmark.ts';
import { median, percentile } from '../result/statistics.ts';
import { openPostgresStore } from '../stage/postgres-store.ts';

const FEW = 10_000;
const MANY = 1_000_000;
const EACH = 50;
const DAYS = 30;
const NEWEST = 20;
const ASKED = 100;
const BATCH = 500;
const START_MS = Date.UTC(2026, 10, 1);
const NAMESPACE = 'kitechat';
const MOST_MS = 50;

/** Does it matter for the story of a conversation how much a ledger keeps? */
export const ledgerStories: readonly Benchmark[] = [
  ledgerStory('folder', async () => {
    const place = mkdtempSync(join(tmpdir(), 'kitechat-ledger-'));
    return { place, [Symbol.asyncDispose]: async () => rmSync(place, { recursive: true }) };
  }),
  ledgerStory('postgres', async () => {
    const store = await openPostgresStore();
    return { place: store.url, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
  }),
];

function ledgerStory(kind: string, openPlace: () => Promise<AsyncDisposable & { place: string }>): Benchmark {
  return {
    name: `ledger-story-${kind}`,
    measures:
      `Time in which a ledger (${kind}) gives the ${NEWEST} newest events of a conversation, the median of ${ASKED}, with ${MANY} events ` +
      `over ${DAYS} days, ${EACH} of each conversation, against ${FEW}. wholeMs: the same for all ${EACH} events.`,
    unit: 'ms',
    limit: {},
    marks: { wholeMs: { atMost: MOST_MS } },
    async prepare() {
      await using stack = new AsyncDisposableStack();
      const side = async (events: number): Promise<Side> => {
        const { place } = stack.use(await openPlace());
        const ledger = await openLedger(place, { namespace: NAMESPACE });
        stack.defer(() => ledger.close());
        await fill(ledger, events);
        return { name: `${events} events`, measure: () => measure(ledger, events / EACH) };
      };
      const baseline = await side(FEW);
      const subject = await side(MANY);
      const owned = stack.move();
      return { baseline, subject, [Symbol.asyncDispose]: () => owned.disposeAsync() };
    },
  };
}

async function fill(ledger: Ledger, events: number): Promise<void> {
  for (let first = 0; first < events; first += BATCH) {
    await ledger.write(Array.from({ length: BATCH }, (_, index) => nthEvent(first + index, events)));
  }
}

async function measure(ledger: Ledger, conversations: number): Promise<Measurement> {
  const newest = await askMany(ledger, conversations, NEWEST);
  const whole = await askMany(ledger, conversations, EACH);
  return {
    value: median(newest),
    details: { p95Ms: percentile(newest, 95), wholeMs: median(whole), wholeP95Ms: percentile(whole, 95) },
  };
}

/** Returns how long each answer took, in ms. */
async function askMany(ledger: Ledger, conversations: number, limit: number): Promise<number[]> {
  const times: number[] = [];
  for (let asked = 0; asked < ASKED; asked += 1) {
    const conversation = Math.floor(Math.random() * conversations);
    const startedAt = performance.now();
    const story = await ledger.read({ ...namesOf(conversation), limit });
    times.push(performance.now() - startedAt);
    if (story.length !== limit) throw new Error(`${story.length} events of ${limit} were there`);
  }
  return times;
}

function namesOf(conversation: number): { pageId: string; conversationId: string } {
  return { pageId: `p${conversation % EACH}`, conversationId: `conversation-${conversation}` };
}

/** An event as a delivered message has it, without content. */
function nthEvent(n: number, events: number): SettledEvent {
  const ms = START_MS + Math.floor((n * DAYS * DAY_MS) / events);
  const at = (beforeMs: number): string => new Date(ms - beforeMs).toISOString();
  const messageId = `0-${String(n).padStart(26, '0')}`;
  return {
    id: `${messageId}.delivered.${ms}`,
    type: 'delivered',
    messageId,
    ...namesOf(n % (events / EACH)),
    label: 'autumn-2026',
    at: at(0),
    enqueuedAt: at(400),
    attempts: [
      { at: at(200), outcome: 'delivered', detail: null, httpStatus: 200, durationMs: 180, usedAttempt: true },
    ],
    attemptsUsed: 0,
    httpStatus: 200,
    proof: 'api',
    answer: { messageId: n },
  };
}
