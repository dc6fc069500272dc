import BeeQueue from 'bee-queue';
import type { SendRequest } from '../../src/shared/model/message.ts';
import type { StoringSide, WorkOptions } from '../contestants/adapter.ts';

const RETRIES = 7;

/** Without events to producers and without a list of jobs, as its documentation advises where nobody reads them. */
const LEAN = { getEvents: false, sendEvents: false, storeJobs: false, removeOnSuccess: true };

export async function openStoringSide(storeUrl: string): Promise<StoringSide> {
  const queue = new BeeQueue<SendRequest>('send', { redis: { url: storeUrl }, isWorker: false, ...LEAN });
  await queue.ready();
  const jobOf = (request: SendRequest) => queue.createJob(request).retries(RETRIES).backoff('exponential', 1000);
  return {
    async storeOne(request) {
      await jobOf(request).save();
    },
    async storeBatch(requests) {
      const errors = await queue.saveAll(requests.map(jobOf));
      for (const error of errors.values()) throw error;
    },
  };
}

export async function work({ storeUrl, concurrency, send }: WorkOptions): Promise<void> {
  const queue = new BeeQueue<SendRequest>('send', { redis: { url: storeUrl }, ...LEAN });
  await queue.ready();
  queue.process(concurrency, async ({ data }) => await send(data));
}
