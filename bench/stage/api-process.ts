/** The fake API in a process of its own: what the benchmark does must not slow what it measures. Argument: latency in ms. */
import { startFakeKitechat } from '../../src/testing/index.ts';
import type { ApiAnswer, ApiQuestion, ApiReady } from './api-questions.ts';
import { monotonicMs } from './monotonic-ms.ts';

const api = await startFakeKitechat({ latencyMs: Number(process.argv[2]) });

process.on('message', (question: ApiQuestion) => {
  if (question.ask === 'forget') {
    api.clear();
    tell({ id: question.id, arrivals: [] });
    return;
  }
  // The records' clock runs as evenly as the shared one, from another start.
  const offsetMs = monotonicMs() - (performance.timeOrigin + performance.now());
  const arrivals = api.accepted
    .filter(({ pageId }) => pageId === question.pageId)
    .map(({ conversationId, arrivedAt }) => ({ conversationId, atMs: arrivedAt + offsetMs }));
  tell({ id: question.id, arrivals });
});
// However the benchmark has ended.
process.on('disconnect', () => process.exit(0));

tell({ url: api.url });

function tell(answer: ApiReady | ApiAnswer): void {
  process.send?.(answer);
}
