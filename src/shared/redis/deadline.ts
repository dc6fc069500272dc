/** The time by which a call must have settled. */
export interface Deadline {
  leftMs(): number;
}

export function deadlineIn(timeoutMs: number): Deadline {
  const endsAt = performance.now() + timeoutMs;
  return { leftMs: () => Math.max(0, endsAt - performance.now()) };
}

/** Thrown by `within`, while the work goes on in the background. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Returns the result of the work. @throws DeadlineError if the deadline comes first. */
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
