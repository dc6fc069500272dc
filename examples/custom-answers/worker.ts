/**
 * A custom worker for an API, or a gateway in front of it, whose answers have special meanings.
 *
 *   KITECHAT_API_KEY=your-key node examples/custom-answers/worker.ts
 */
import { type ApiAnswer, createWorker } from 'kitechat-sender/worker';

const { REDIS_URL, KITECHAT_API_URL, KITECHAT_API_KEY } = process.env;

/** Returns `undefined` for answers with the default meaning. It must return at once, so it can't ask another service. */
function classifyResponse({ httpStatus, body }: ApiAnswer): 'delivered' | 'rejected' | 'failed' | 'held' | undefined {
  // This gateway recognizes messages that it has already accepted: an earlier attempt had arrived.
  if (httpStatus === 409) return 'delivered';
  if (httpStatus !== 200) return undefined;
  switch (statusIn(body)) {
    // The message was certainly not sent and can be tried again; this uses one attempt.
    case 'busy':
      return 'failed';
    // The customer blocked the page: no further attempt can help, so the message becomes a dead letter at once.
    case 'blocked':
      return 'rejected';
    // The page has used up its quota: all its messages wait, and no attempt is used.
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
