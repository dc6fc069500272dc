import type { Shard } from '../queues.ts';

/** Sends what is asked of one shard; an answer for each question, in order. */
type Ask<Question, Answer> = (shard: Shard, questions: readonly Question[]) => Promise<Answer[]>;

interface Waiting<Question, Answer> {
  question: Question;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** What runs in Redis at once must not keep others waiting. */
const MOST_AT_ONCE = 50;

/**
 * Puts together what is asked of a shard in one turn of the event loop: one script then serves many messages, and costs
 * little more than for one. Nothing waits longer for that: an idle process asks at once.
 */
export function inBatches<Question, Answer>(
  ask: Ask<Question, Answer>,
): (shard: Shard, question: Question) => Promise<Answer> {
  const waiting = new Map<Shard, Waiting<Question, Answer>[]>();

  function sendAll(shard: Shard): void {
    const all = waiting.get(shard) ?? [];
    waiting.delete(shard);
    for (let from = 0; from < all.length; from += MOST_AT_ONCE) void send(shard, all.slice(from, from + MOST_AT_ONCE));
  }

  async function send(shard: Shard, batch: Waiting<Question, Answer>[]): Promise<void> {
    try {
      const answers = await ask(
        shard,
        batch.map(({ question }) => question),
      );
      if (answers.length !== batch.length) throw new Error('a script did not answer for each message');
      let index = 0;
      for (const { resolve } of batch) resolve(answers[index++] as Answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return (shard, question) =>
    new Promise<Answer>((resolve, reject) => {
      const known = waiting.get(shard);
      if (known) {
        known.push({ question, resolve, reject });
        return;
      }
      waiting.set(shard, [{ question, resolve, reject }]);
      setImmediate(sendAll, shard);
    });
}

/** @throws if Redis refused this one message. */
export function answerOf<Answer extends readonly unknown[]>(answer: Answer | readonly ['error', string]): Answer {
  if (answer[0] === 'error') throw new RefusedError(String(answer[1]));
  return answer as Answer;
}

class RefusedError extends Error {
  /** As if Redis had answered it to a command of its own. */
  override readonly name = 'ReplyError';
}
