import type { WorkOptions } from './adapter.ts';
import { work as workWith } from './by-hand-adapter.ts';

export { openStoringSide } from './by-hand-adapter.ts';

/** The form in BullMQ's documentation. The 50 of a second leave at its start. */
const LIMITER = { max: 50, duration: 1000 };

export async function work(options: WorkOptions): Promise<void> {
  await workWith(options, { limiter: LIMITER });
}
