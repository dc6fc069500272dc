import { loadConfig } from '../shared/config.ts';
import { createWorker } from '../worker/index.ts';
import { type CommandContext, type ExitCode, exitCodes } from './context.ts';

/** `worker`: delivers messages until it is told to stop, then drains. */
export async function runWorker({ env, interrupted }: CommandContext): Promise<ExitCode> {
  const worker = createWorker(loadConfig(env));
  const close = (): void => void worker.close();
  interrupted.addEventListener('abort', close, { once: true });
  if (!interrupted.aborted) await worker.run();
  await worker.close();
  return exitCodes.done;
}
