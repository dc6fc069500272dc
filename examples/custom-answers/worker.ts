/**
 * A worker of your own, for an API, or a gateway before it, whose answers mean something else than usual.
 *
 *   KITECHAT_API_KEY=your-key node examples/custom-answers/worker.ts
 */
import { type ApiAnswer, createWorker } from 'kitechat-sender/worker';

const { REDIS_URL, KITECHAT_API_URL, KITECHAT_API_KEY } = process.env;

/** `undefined` leaves the answer to the defaults. It must answer at once: ask nobody from here. */
function classifyResponse({ httpStatus, body }: ApiAnswer): 'delivered' | 'rejected' | 'failed' | 'held' | undefined {
  // This gateway knows what it has seen: the first try had arrived after all.
  if (httpStatus === 409) return 'delivered';
  if (httpStatus !== 200) return undefined;
  switch (statusIn(body)) {
    // Surely not sent, and this message can be tried again: uses one attempt.
    case 'busy':
      return 'failed';
    // The customer blocked the page: no attempt will ever help, so it is a dead letter at once.
    case 'blocked':
      return 'rejected';
    // The page has used up its quota: all of its messages wait, and no attempt is used.
    case 'quota':
      return 'held';
    default:
      return undefined;
  }
}

function statusIn(body: string): unknown {
  try {
    const answer: unknown = JSON.parse(body);
    return typeof answer === 'object' && answer !== null && 'status' in answer ? answer.status : undefined;
  } catch {
    return undefined;
  }
}

const worker = createWorker({
  redisUrl: REDIS_URL,
  apiUrl: KITECHAT_API_URL,
  apiKey: KITECHAT_API_KEY,
  logLevel: 'warn',
  classifyResponse,
});
worker.on('ready', () => console.error('ready'));
worker.on('attempt', ({ id, outcome, next, label }) => console.log(JSON.stringify({ id, outcome, next, label })));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void worker.close());
await worker.run();
