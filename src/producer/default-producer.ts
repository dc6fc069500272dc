import { isDeepStrictEqual } from 'node:util';
import { type Config, loadConfig } from '../shared/config/config.ts';
import { ConfigError } from '../shared/errors/errors.ts';
import { demandFitNode } from '../shared/runtime.ts';
import { version } from '../shared/version.ts';
import { createProducer, type Producer } from './create-producer.ts';

/** The producer of the process; it outlives the evaluation of this module that made it. */
interface Held {
  producer: Producer;
  /** A function, so that nobody who prints `globalThis` sees the settings. */
  isMadeFrom(config: Config): boolean;
}

interface Place {
  held: Held | null;
  /** Settles when all producers that were here before are closed. */
  emptied: Promise<void>;
}

// Kept on `globalThis`, because a dev server evaluates this module again at each edit, a bundle may hold it several times, and the CommonJS
// copy may be loaded beside the ESM one: each would open a connection that nobody closes. The version is part of the name, so that
// another version of this package in the same process never gets a producer whose code, settings or results it doesn't know.
const PLACE = Symbol.for(`kitechat-sender ${version}: default producer`);

function placeInProcess(): Place {
  const known = (globalThis as { [PLACE]?: Place })[PLACE];
  if (known) return known;
  const place: Place = { held: null, emptied: Promise.resolve() };
  Object.defineProperty(globalThis, PLACE, { value: place });
  return place;
}

/** Whether the producer of the process fits the environment, as far as this evaluation knows. */
let isCompared = false;

// Created at the first call, so that importing the package neither connects nor fails.
function defaultProducer(): Producer {
  const place = placeInProcess();
  if (place.held && isCompared) return place.held.producer;
  demandFitNode();
  const config = loadConfig(process.env);
  // Dev servers read their .env files again before they evaluate a module again.
  if (place.held && !place.held.isMadeFrom(config)) leave(place);
  place.held ??= {
    producer: createProducer(config),
    isMadeFrom: (other) => isDeepStrictEqual(config, other),
  };
  isCompared = true;
  return place.held.producer;
}

async function call<T>(work: (producer: Producer) => Promise<T>): Promise<T> {
  try {
    return await work(defaultProducer());
  } catch (error) {
    // The environment may be mended before the next call.
    if (error instanceof ConfigError) isCompared = false;
    throw error;
  }
}

function leave(place: Place): void {
  const { held } = place;
  if (!held) return;
  place.held = null;
  place.emptied = bothEnded(place.emptied, held.producer.close());
}

async function bothEnded(first: Promise<void>, second: Promise<void>): Promise<void> {
  await Promise.allSettled([first, second]);
}

/**
 * Stores one message to be sent, through a producer that the whole process shares. Its settings come from environment variables; it
 * needs no API key. See {@link Producer.enqueueMessage}.
 *
 * @example
 * await enqueueMessage({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } });
 */
export const enqueueMessage: Producer['enqueueMessage'] = async (request, options) =>
  await call((producer) => producer.enqueueMessage(request, options));

/** Stores many messages through the same producer. See {@link Producer.enqueueMessages}. */
export const enqueueMessages: Producer['enqueueMessages'] = async (items) =>
  await call((producer) => producer.enqueueMessages(items));

/**
 * Waits for the calls of `enqueueMessage` and `enqueueMessages` under way, then closes the connection that they share. A call made after
 * this one, even while this one still waits, opens a new connection. Without a connection this does nothing.
 *
 * @example
 * afterAll(closeDefaultProducer);
 */
export async function closeDefaultProducer(): Promise<void> {
  const place = placeInProcess();
  leave(place);
  await place.emptied;
}
