import { EventEmitter } from 'node:events';
import { type BackoffConfig, backoffDelayMs } from '../shared/retry/backoff.ts';
import { loggableError } from '../shared/errors/loggable-error.ts';
import type { EventRecord, ReceivedEvent } from '../shared/model/event.ts';
import type { WorkerLogger } from '../shared/logging/worker-logger.ts';
import { attemptLog, type AttemptReport } from './attempt-report.ts';
import { createConversationQueue, type Queued } from './conversation-queue.ts';
import type { DeadWebhook } from './dead-webhooks.ts';
import type { PrepareEvent } from './content.ts';
import { createGate } from './gate.ts';
import { nextStep, type Result, resultOf, usesAttempt } from './judge.ts';
import type { Answer, Receiver } from './receiver.ts';
import { createSupply } from './supply.ts';
import { type Webhook, webhookOf } from './webhook.ts';

export interface DeliveryOptions {
  events: AsyncIterable<ReceivedEvent>;
  receiver: Receiver;
  /** Keeps an event that the receiver does not accept. */
  bury(dead: DeadWebhook): Promise<void>;
  /** What the receiver gets of an event. */
  prepare: PrepareEvent;
  /** The most requests at once. */
  concurrency: number;
  /** The attempts of an event that the receiver refuses. */
  attempts: number;
  backoff: BackoffConfig;
  logger: WorkerLogger;
  random?: () => number;
}

/** What waits, and whether it can be delivered. */
export interface DeliveryState {
  phase: 'running' | 'stopping' | 'ended';
  /** Events that were read and are neither accepted nor dead letters. */
  waiting: number;
  /** When the oldest of them happened; `null` if none waits. */
  oldestAt: string | null;
  /** Whether the receiver accepts events, as far as is known. */
  isReceiverUp: boolean;
}

/** Sends events to a receiver, in the order of each conversation. */
export interface Delivery {
  /**
   * Runs until the events end, `stop` was called or the receiver is gone for good.
   *
   * @returns `gone` if the receiver said that it wants no more events
   * @throws what reading the events throws, after the open requests have ended
   */
  run(): Promise<'ended' | 'gone'>;
  /** Begins no more requests. Those that are open are given up when the time is over; without one they have their own time. Resolves when they have ended. */
  stop(graceMs?: number): Promise<void>;
  state(): DeliveryState;
  on(event: 'attempt', listener: (report: AttemptReport) => void): void;
}

interface Entry extends Queued {
  event: ReceivedEvent;
  webhook: Webhook;
  tries: number;
  /** The attempts that count. */
  used: number;
  /** How many events the receiver had accepted at the attempt before. */
  acceptedBefore: number;
}

/** Dead letters in a row, without an event that is accepted, after which the receiver counts as refusing everything. */
const MOST_DEAD_IN_ROW = 20;

export function createDelivery(options: DeliveryOptions): Delivery {
  const { receiver, bury, prepare, concurrency, attempts, backoff, logger, random = Math.random } = options;
  const emitter = new EventEmitter<{ attempt: [AttemptReport] }>();
  const queue = createConversationQueue<Entry>();
  const gate = createGate(backoff, random);
  const supply = createSupply(options.events);
  const abandoned = new AbortController();
  const finished = Promise.withResolvers<undefined>();
  let phase: DeliveryState['phase'] = 'running';
  let hasEnded = false;
  let isGone = false;
  let open = 0;
  let accepted = 0;
  let deadInRow = 0;
  let alarm: NodeJS.Timeout | undefined;
  let giveUp: NodeJS.Timeout | undefined;

  function add({ ack, ...event }: ReceivedEvent): void {
    const webhook = webhookOf(prepare(event));
    supply.holds(webhook.body.length);
    const conversation = conversationOf(event);
    queue.add({ event: { ...event, ack }, webhook, conversation, tries: 0, used: 0, acceptedBefore: accepted });
    goOn();
  }

  /** Begins as many requests as may begin now, and comes back when more may. */
  function goOn(): void {
    clearTimeout(alarm);
    const nowMs = performance.now();
    while (mayBegin(nowMs)) {
      const entry = queue.take(nowMs);
      if (entry === undefined) break;
      open += 1;
      void attempt(entry, gate.begin()).finally(() => {
        open -= 1;
        goOn();
      });
    }
    const isDone = phase === 'running' ? hasEnded && queue.size() === 0 : open === 0;
    if (isDone) finished.resolve(undefined);
    else if (phase === 'running') setAlarm(nowMs);
  }

  function mayBegin(nowMs: number): boolean {
    return phase === 'running' && open < concurrency && gate.mayBegin(nowMs);
  }

  function setAlarm(nowMs: number): void {
    const readyAt = queue.hasReady(nowMs) ? nowMs : queue.nextAtMs();
    const opensAt = gate.isOpen() ? nowMs : gate.opensAtMs();
    // Otherwise a request that ends, or an event that comes, calls.
    if (readyAt === undefined || opensAt === null || open >= concurrency) return;
    alarm = setTimeout(goOn, Math.max(1, Math.ceil(Math.max(readyAt, opensAt) - nowMs)));
  }

  async function attempt(entry: Entry, isProbe: boolean): Promise<void> {
    entry.tries += 1;
    const answer = await receiver.post(entry.webhook, abandoned.signal);
    const result = resultOf(answer);
    const mayDie = deadInRow < MOST_DEAD_IN_ROW;
    if (usesAttempt(result, accepted > entry.acceptedBefore)) entry.used += 1;
    entry.acceptedBefore = accepted;
    const isGivenUp = answer.status === null && abandoned.signal.aborted;
    if (!isGivenUp) noteReceiver(isProbe, result === 'refused' && !mayDie ? 'later' : result, answer);
    const step = nextStep(result, entry.used, { attempts, mayDie });
    const waitMs = step === 'again' ? waitOf(entry, result) : null;
    tell({ entry, answer, result, next: step, waitMs });
    if (step === 'dead') return await die(entry, answer);
    if (waitMs !== null) queue.putOff(entry, performance.now() + waitMs);
    if (step === 'done') settle(entry, true);
    if (step !== 'stop') return undefined;
    isGone = true;
    // Not waited for, because this attempt is still open.
    void stop();
    return undefined;
  }

  function noteReceiver(isProbe: boolean, result: Result, { retryAfterMs, status, failure }: Answer): void {
    const wasOpen = gate.isOpen();
    gate.end(isProbe, result, { nowMs: performance.now(), retryAfterMs });
    if (wasOpen === gate.isOpen()) return;
    const waiting = queue.size();
    if (gate.isOpen()) logger.info({ waiting }, 'the receiver answers again; the delivery of events goes on');
    else logger.warn({ status, failure }, 'the receiver does not accept events; they wait until it does');
  }

  /** While the gate is closed it decides when the next request begins. */
  function waitOf({ tries }: Entry, result: Result): number {
    return result === 'refused' || gate.isOpen() ? backoffDelayMs(tries, backoff, random()) : 0;
  }

  async function die(entry: Entry, { status, failure }: Answer): Promise<void> {
    const { ack: _, ...event } = entry.event;
    try {
      await bury({ event, attempts: entry.tries, status, failure, deadAt: new Date().toISOString() });
      deadInRow += 1;
      settle(entry, false);
    } catch (error) {
      logger.error(
        { err: error, eventId: event.id },
        'a webhook could not be stored as a dead letter; it is sent again first',
      );
      queue.putOff(entry, performance.now() + backoffDelayMs(entry.tries, backoff, random()));
    }
  }

  function settle(entry: Entry, isAccepted: boolean): void {
    if (isAccepted) {
      accepted += 1;
      deadInRow = 0;
    }
    queue.remove(entry);
    supply.released(entry.webhook.body.length);
    entry.event.ack().catch((error: unknown) => {
      logger.warn(
        { err: loggableError(error), eventId: entry.event.id },
        'an event could not be acknowledged; it comes again',
      );
    });
  }

  function tell({
    entry,
    ...facts
  }: Pick<AttemptReport, 'answer' | 'result' | 'next' | 'waitMs'> & { entry: Entry }): void {
    const { event, webhook, tries, used } = entry;
    const report: AttemptReport = { ...facts, event, type: webhook.type, attempt: tries, used, attempts };
    attemptLog(logger, report);
    emitter.emit('attempt', report);
  }

  async function stop(graceMs?: number): Promise<void> {
    if (phase === 'running') {
      phase = 'stopping';
      supply.stop();
      clearTimeout(alarm);
      if (graceMs !== undefined) giveUp = setTimeout(() => abandoned.abort(), graceMs);
      goOn();
    }
    await finished.promise;
  }

  return {
    async run() {
      try {
        for await (const event of supply.events()) add(event);
      } catch (error) {
        await stop();
        throw error;
      } finally {
        hasEnded = true;
        goOn();
        await finished.promise;
        clearTimeout(giveUp);
        clearTimeout(alarm);
        phase = 'ended';
      }
      return isGone ? 'gone' : 'ended';
    },
    stop,
    state: () => ({
      phase,
      waiting: queue.size(),
      oldestAt: queue.oldest()?.event.at ?? null,
      isReceiverUp: gate.isOpen(),
    }),
    on: (name, listener) => void emitter.on(name, listener),
  };
}

/** What an event keeps its order with. Events that belong to no conversation keep none. */
export function conversationOf(event: EventRecord): string {
  if (event.type === 'gap') return `gap:${event.shard}`;
  const { pageId, conversationId, messageId } = event;
  return pageId === null || conversationId === null ? messageId : JSON.stringify([pageId, conversationId]);
}
