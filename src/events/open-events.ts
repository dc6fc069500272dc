// For `Symbol.asyncDispose` in the declarations: programs that use the package need not name this library.
/// <reference lib="esnext.disposable" preserve="true" />
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { SiteOptions } from '../shared/config/installation-options.ts';
import { ConfigError } from '../shared/errors/errors.ts';
import type { ReceivedEvent } from '../shared/model/event.ts';
import { openSession } from '../shared/session/open-session.ts';
import { describeIssue, issuesOf } from '../shared/validation/issues.ts';
import { createShardReader } from './shard-reader.ts';

/** The options of `openEvents`. */
export interface EventsOptions extends SiteOptions {
  /**
   * The name of the group. Each group gets every event, from the time when it was opened first; the processes of a group share its
   * events. At most 64 letters, digits and `_ . -`.
   */
  group: string;
  /**
   * Whether events have the stored request, with the message's content. It is encrypted if there are encryption keys.
   *
   * @default false
   */
  content?: boolean | undefined;
  /** Ends the iteration. */
  signal?: AbortSignal | undefined;
  /** Called once for each outage of Redis, in which the iteration waits. */
  onError?: ((error: unknown) => void) | undefined;
}

/** The events of a group. They can be iterated once. */
export interface Events extends AsyncIterable<ReceivedEvent>, AsyncDisposable {
  /** Ends the iteration, writes the acknowledgements and lets another process of the group read. */
  close(): Promise<void>;
}

const ownSchema = z.object({
  group: z.string().regex(/^[\w.-]{1,64}$/, { error: 'must have 1 to 64 letters, digits and _ . -' }),
  content: z.boolean().default(false),
  signal: z.instanceof(AbortSignal, { error: 'must be an AbortSignal' }).optional(),
  onError: z
    .custom<(error: unknown) => void>((value) => typeof value === 'function', { error: 'must be a function' })
    .optional(),
});

/**
 * Opens the events of a group: what became of each message. Events of one conversation come in the order in which they happened, each at
 * least once. An event that was not acknowledged comes again when the group is opened after a crash. Of the processes that open the same
 * group, one reads a shard at a time; the others take over when it ends or dies.
 *
 * A group that is too far behind loses the oldest events (`keepEvents` of the worker), and gets an event `gap` with their number.
 *
 * @param options the group, and settings that differ from the defaults; environment variables are not read.
 * @throws ConfigError for options that can't work; the iteration throws it if the installation has another number of shards.
 * @example
 * for await (const event of openEvents({ group: 'crm', redisUrl: process.env.REDIS_URL })) {
 *   if (event.type === 'dead') await tellAgent(event.conversationId, event.reason);
 *   await event.ack();
 * }
 */
export function openEvents({ group, content, signal, onError, ...site }: EventsOptions): Events {
  const own = ownSchema.safeParse({ group, content, signal, onError }, { error: describeIssue });
  if (own.error) {
    throw new ConfigError(issuesOf(own.error, 'options').map(({ path, message }) => `${path}: ${message}`));
  }
  const { config, session, newDeadline } = openSession('openEvents', site);
  const reader = randomUUID();
  let wake = Promise.withResolvers<void>();
  /** Why the iteration ends with an error. */
  const failures: unknown[] = [];
  const stopping = new AbortController();
  const stopped = signal ? AbortSignal.any([signal, stopping.signal]) : stopping.signal;
  let closing: Promise<void> | null = null;
  let running: Promise<unknown> | null = null;
  let turn = 0;

  function look(): void {
    wake.resolve();
  }

  function fail(error: unknown): void {
    failures.push(error);
    look();
  }

  const readers = Array.from({ length: config.shards }, (_, index) =>
    createShardReader({
      session,
      newDeadline,
      index,
      group: own.data.group,
      reader,
      content: own.data.content,
      onEvents: look,
      onError: (error) => onError?.(error),
    }),
  );

  /** The shards take turns. */
  function take(): ReceivedEvent | null {
    for (let tried = 0; tried < readers.length; tried += 1) {
      turn = (turn + 1) % readers.length;
      const taken = readers[turn]?.next();
      if (taken) return { ...taken.event, ack: async () => taken.ack() };
    }
    return null;
  }

  async function* iterate(): AsyncGenerator<ReceivedEvent, void, undefined> {
    if (running) throw new TypeError('these events are being read already: open the group again to read it twice');
    running = Promise.all(readers.map(async (one) => await one.run().catch(fail)));
    stopped.addEventListener('abort', look);
    try {
      while (!stopped.aborted) {
        wake = Promise.withResolvers();
        if (failures.length > 0) throw failures[0];
        const event = take();
        if (event) yield event;
        else await wake.promise;
      }
    } finally {
      stopped.removeEventListener('abort', look);
      await close();
    }
  }

  async function closeAll(): Promise<void> {
    stopping.abort();
    for (const one of readers) one.stop();
    await running;
    await session.close();
  }

  async function close(): Promise<void> {
    await (closing ??= closeAll());
  }

  return { [Symbol.asyncIterator]: iterate, close, [Symbol.asyncDispose]: close };
}
