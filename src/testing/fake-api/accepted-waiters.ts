/** Lets tests wait until a number of messages were accepted. */
export interface AcceptedWaiters {
  wait: (wanted: number, timeoutMs: number) => Promise<void>;
  /** Checks the waiters after the count has changed. */
  check: () => void;
  closed: () => void;
}

export function createAcceptedWaiters(acceptedCount: () => number): AcceptedWaiters {
  const waiters = new Set<{ wanted: number; done: (error?: Error) => void }>();

  return {
    wait(wanted, timeoutMs) {
      if (acceptedCount() >= wanted) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiter.done(new Error(`${acceptedCount()} of ${wanted} messages were accepted within ${timeoutMs} ms`));
        }, timeoutMs);
        const waiter = {
          wanted,
          done(error?: Error) {
            clearTimeout(timer);
            waiters.delete(waiter);
            if (error === undefined) resolve();
            else reject(error);
          },
        };
        waiters.add(waiter);
      });
    },
    check() {
      for (const waiter of waiters) if (acceptedCount() >= waiter.wanted) waiter.done();
    },
    closed() {
      for (const { wanted, done } of waiters) {
        done(new Error(`The fake API was closed when ${acceptedCount()} of ${wanted} messages were accepted`));
      }
    },
  };
}
