import type { Contestant, WorkerProcess } from './contestant.ts';

/** Worker processes that share one store. */
export interface Fleet extends AsyncDisposable {
  workers: readonly WorkerProcess[];
}

export async function startFleet(contestant: Contestant, size: number): Promise<Fleet> {
  await using stack = new AsyncDisposableStack();
  const workers: WorkerProcess[] = [];
  while (workers.length < size) workers.push(stack.use(await contestant.startWorker()));
  const owned = stack.move();
  return { workers, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
