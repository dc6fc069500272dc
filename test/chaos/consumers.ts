import type { EventRecord } from '../../src/events/index.ts';
import { type Consumer, type ConsumerOptions, startConsumer } from '../support/events-consumer.ts';

/** Processes that share a group of events. */
export interface Consumers extends AsyncDisposable {
  /** Everything that any of them got, in the order in which it came here. */
  readonly events: readonly EventRecord[];
  /** Kills one of them and starts another. */
  killOne(): Promise<void>;
  readonly kills: number;
}

export function startConsumers(number: number, options: ConsumerOptions, random: () => number): Consumers {
  const events: EventRecord[] = [];
  const running = new Set<Consumer>();
  let kills = 0;

  function start(): void {
    running.add(startConsumer(options, (event) => events.push(event)));
  }

  for (let nth = 0; nth < number; nth += 1) start();
  return {
    events,
    get kills() {
      return kills;
    },
    async killOne() {
      const victim = [...running][Math.floor(random() * running.size)];
      if (!victim) throw new Error('no consumer is left');
      running.delete(victim);
      kills += 1;
      victim.kill('SIGKILL');
      await victim.ended();
      start();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...running].map((consumer) => consumer[Symbol.asyncDispose]()));
    },
  };
}
