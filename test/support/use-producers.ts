import { createProducer, type Producer, type ProducerOptions } from '../../src/producer/index.ts';
import { type UsedRedis, useRedis } from './use-redis.ts';

/** A Redis with producers. */
export interface UsedProducers extends UsedRedis {
  /** Creates a producer in its own namespace, since the tests of a file share the Redis. */
  producerOf(namespace: string, config?: ProducerOptions): Producer;
}

/** Called at the top of a file or of a `describe`; `config` applies to all its producers. */
export function useProducers(config: ProducerOptions = {}): UsedProducers {
  const used = useRedis();
  return Object.assign(used, {
    producerOf: (namespace: string, more: ProducerOptions = {}) =>
      createProducer({ redisUrl: used.url, ...config, namespace, ...more }),
  });
}
