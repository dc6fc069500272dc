import type { Queue } from 'bullmq';

/** What reading a job throws if its fields can't be read, and not what the way to Redis throws. */
const UNREADABLE = [SyntaxError, TypeError, RangeError];

/** Whether BullMQ can read a job, or what is left of it: it reads more fields than we know, and some as JSON. */
export async function isReadableJob(queue: Queue, id: string): Promise<boolean> {
  try {
    await queue.getJob(id);
    return true;
  } catch (error) {
    if (UNREADABLE.some((kind) => error instanceof kind)) return false;
    throw error;
  }
}
