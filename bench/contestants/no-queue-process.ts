/** Sends messages that it makes up itself. Arguments: the API, requests at once, the workload as JSON. */
import { requestOf, type Workload } from '../workload.ts';
import { clientOf } from './clients.ts';

const [, , apiUrl = '', atOnce = '', workload = ''] = process.argv;
const concurrency = Number(atOnce);
const { conversations, messages } = JSON.parse(workload) as Workload;
const send = clientOf('undici', { apiUrl, concurrency });
let next = 0;

async function sendOneAfterTheOther(): Promise<void> {
  while (next < messages) {
    next += 1;
    await send(requestOf(next - 1, conversations));
  }
}

process.on('disconnect', () => process.exit(0));
process.send?.('ready');
await Promise.all(Array.from({ length: concurrency }, sendOneAfterTheOther));
