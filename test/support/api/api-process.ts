/**
 * The fake API behind a gate, in a process of its own, so that the test or benchmark doesn't slow what it measures.
 * Argument: the options of the fake API, as JSON.
 */
import { type FakeKitechatOptions, startFakeKitechat } from '../../../src/testing/index.ts';
import { openGate } from './gate.ts';
import { monotonicMs } from './monotonic-ms.ts';
import type { ApiAnswer, ApiMethods, ApiQuestion, ApiReady } from './questions.ts';

const api = await startFakeKitechat(JSON.parse(process.argv[2] ?? '{}') as FakeKitechatOptions);
const gate = await openGate(api.port);

const methods: ApiMethods = {
  forget: () => api.clear(),
  setFaults: (faults) => api.setFaults(faults),
  shut: () => gate.shut(),
  open: () => gate.open(),
  counts: () => ({ accepted: api.accepted.length, requests: api.requests.length, cut: gate.cut }),
  accepted: () => [...api.accepted],
  report: () => api.report(),
  arrivalsOf(pageId) {
    // The clock of the records runs as evenly as the shared one, but starts at another time.
    const offsetMs = monotonicMs() - (performance.timeOrigin + performance.now());
    return api.accepted
      .filter((message) => message.pageId === pageId)
      .map(({ conversationId, arrivedAt }) => ({ conversationId, atMs: arrivedAt + offsetMs }));
  },
};

process.on('message', (question: ApiQuestion) => void answer(question));
// Ends with the asking process, however that ends.
process.on('disconnect', () => process.exit(0));

tell({ url: api.url.replace(`:${api.port}`, `:${gate.port}`), directUrl: api.url });

async function answer({ id, method, args }: ApiQuestion): Promise<void> {
  const call = methods[method] as (...given: unknown[]) => unknown;
  tell({ id, result: await call(...args) });
}

function tell(message: ApiReady | ApiAnswer): void {
  process.send?.(message);
}
