/** A moment by which a call must have settled. */
export interface Deadline {
  leftMs(): number;
}

export function deadlineIn(timeoutMs: number): Deadline {
  const endsAt = performance.now() + timeoutMs;
  return { leftMs: () => Math.max(0, endsAt - performance.now()) };
}

/** Thrown by `within`; the work goes on unseen. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** The result of the work, unless the deadline comes first. @throws DeadlineError */
export async function within<T>(deadline: Deadline, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineError('too late')), deadline.leftMs());
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
