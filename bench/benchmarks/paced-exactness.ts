import type { Benchmark, Measurement } from '../benchmark.ts';
import { kitechatSender } from '../contestants/ours.ts';
import { API_LATENCY_MS, CONCURRENCY, WORKERS } from './fleet-side.ts';
import { contestOf, type OpenSide } from './pair.ts';
import { CONVERSATIONS, openPacedSide } from './paced-side.ts';

const PER_SECOND = 50;
const MESSAGES = 1000;

/** Half of the workers have the one limit, half of them the other. */
const DISAGREED = { larger: 20, smaller: 10 };
const DISAGREED_MESSAGES = 400;

/** What a second may have at most, wherever it begins: 10% more than the limit, and the burst of 1. */
function mostAllowed(perSecond: number): number {
  return 1.1 * perSecond + 1;
}

const SYSTEM =
  `${WORKERS} worker processes of ${CONCURRENCY}, API latency ${API_LATENCY_MS} ms, ${CONVERSATIONS} conversations of 10 pages. ` +
  'A second begins anywhere; it may have 10% more than the limit, and one message.';

/** Is a limit kept, and used up? */
export const pacedExactness: readonly Benchmark[] = [exact(1), exact(4), disagreeing(1), disagreeing(4)];

function exact(shards: number): Benchmark {
  return {
    name: `paced-exact${suffixOf(shards)}`,
    measures:
      `Messages per second at the API with a limit of ${PER_SECOND}, over the middle 80% of ${MESSAGES}, and the most in any second; ` +
      `${inShards(shards)}. Against what the limit says. ${SYSTEM}`,
    unit: 'messages/s',
    limit: { atLeast: 0.97 },
    also: { 'most in a second': { atMost: 1 } },
    prepare: async () =>
      await contestOf(
        said({ value: PER_SECOND, details: { 'most in a second': mostAllowed(PER_SECOND) } }),
        async () =>
          await openPacedSide({
            enter: kitechatSender({ env: { KITECHAT_RATE_LIMIT: `${PER_SECOND}/s`, KITECHAT_SHARDS: String(shards) } }),
            messages: MESSAGES,
            value: 'messages/s',
          }),
      ),
  };
}

function disagreeing(shards: number): Benchmark {
  const { larger, smaller } = DISAGREED;
  return {
    name: `paced-disagreeing${suffixOf(shards)}`,
    measures:
      `The most messages at the API in any second, of ${DISAGREED_MESSAGES}, with a limit of ${larger} in half of the workers and of ${smaller} in ` +
      `the others; ${inShards(shards)}. Against what the larger limit allows; messages per second against the smaller one. ${SYSTEM}`,
    unit: 'messages in a second',
    limit: { atMost: 1 },
    also: { 'messages/s': { atLeast: 0.97 } },
    prepare: async () =>
      await contestOf(
        said({ value: mostAllowed(larger), details: { 'messages/s': smaller } }),
        async () =>
          await openPacedSide({
            enter: kitechatSender({
              env: { KITECHAT_SHARDS: String(shards) },
              workerEnv: (nth) => ({ KITECHAT_RATE_LIMIT: `${nth % 2 === 0 ? larger : smaller}/s` }),
            }),
            messages: DISAGREED_MESSAGES,
            value: 'most in a second',
          }),
      ),
  };
}

/** A side that is not measured: what the limit says. */
function said(measurement: Measurement): () => Promise<OpenSide> {
  return async () =>
    await Promise.resolve({
      name: 'the limit',
      measure: async () => await Promise.resolve(measurement),
      async [Symbol.asyncDispose]() {},
    });
}

function suffixOf(shards: number): string {
  return shards === 1 ? '' : `-${shards}-shards`;
}

function inShards(shards: number): string {
  return shards === 1 ? 'one shard' : `${shards} shards`;
}
