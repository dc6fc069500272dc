import { writeFile } from 'node:fs/promises';
import type { Logger } from '../../shared/logging/logger.ts';
import type { KitechatWorker } from '../../worker/index.ts';

const EVERY_MS = 2000;
/** The fleet, too, forgets a worker after this time. */
const SILENT_MS = 10_000;

/** Writes the time of the worker's last report to the fleet into a file, as long as the reports are recent. */
export function keepHeartbeat(path: string, worker: Pick<KitechatWorker, 'health'>, logger: Logger): Disposable {
  let warned = false;

  async function beat(): Promise<void> {
    const { sinceTickMs } = worker.health();
    if (sinceTickMs === null || sinceTickMs > SILENT_MS) return;
    await writeFile(path, `${new Date(Date.now() - sinceTickMs).toISOString()}\n`);
  }

  /** A health check that can't pass is no reason to stop sending. */
  function warn(error: unknown): void {
    if (!warned) logger.warn({ err: error, path }, "KITECHAT_HEARTBEAT_FILE can't be written; health checks will fail");
    warned = true;
  }

  const timer = setInterval(() => void beat().catch(warn), EVERY_MS).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
