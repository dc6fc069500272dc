import { createProducer, type Producer, type ProducerOptions } from '../../src/producer/index.ts';
import { type UsedRedis, useRedis } from './use-redis.ts';

/** A Redis, and producers that store in it. */
export interface UsedProducers extends UsedRedis {
  /** A new one; the tests of a file share the Redis, so each has a namespace of its own. */
  producerOf(namespace: string, config?: ProducerOptions): Producer;
}

/** Called at the top of a file or of a `describe`; `config` is that of all its producers. */
export function useProducers(config: ProducerOptions = {}): UsedProducers {
  const used = useRedis();
  return Object.assign(used, {
    producerOf: (namespace: string, more: ProducerOptions = {}) =>
      createProducer({ redisUrl: used.url, ...config, namespace, ...more }),
  });
}
