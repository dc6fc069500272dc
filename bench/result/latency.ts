import type { Moment } from '../../test/support/api/questions.ts';

/**
 * How long each message took from the one moment to the other, in ms.
 *
 * @throws if a message has arrived never or twice: then the numbers would speak of something else.
 */
export function latenciesMs(sent: readonly Moment[], arrived: readonly Moment[]): number[] {
  const arrivals = new Map(arrived.map(({ conversationId, atMs }) => [conversationId, atMs]));
  if (arrivals.size !== arrived.length || sent.length !== arrived.length) {
    throw new Error(`${sent.length} messages were sent, ${arrived.length} arrived, in ${arrivals.size} conversations`);
  }
  return sent.map(({ conversationId, atMs }) => {
    const arrivedAtMs = arrivals.get(conversationId);
    if (arrivedAtMs === undefined) throw new Error(`the message of ${conversationId} has not arrived`);
    return arrivedAtMs - atMs;
  });
}
