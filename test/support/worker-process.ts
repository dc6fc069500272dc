import { completed, type Settings } from './settings.ts';
import { deadlineIn } from '../../src/shared/redis/deadline.ts';
import { createSession } from '../../src/shared/session/session.ts';
import { readStatus } from '../../src/shared/reading/status.ts';
import { type CommandProcess, startCommand } from './command-line.ts';
import { eventually } from './eventually.ts';
import { isIdOf } from './open-requests.ts';
import { settingsInEnvironment } from './settings-in-environment.ts';

/** Long, since other tests may keep the machine busy. */
const START_MS = 40_000;

/** Starts `kitechat-sender worker` for an installation, and waits until its status lists it. */
export async function startWorkerProcess(config: Settings, env: Record<string, string> = {}): Promise<CommandProcess> {
  const worker = startCommand(['worker'], { ...settingsInEnvironment(config), LOG_LEVEL: 'info', ...env });
  const settings = completed(config);
  const session = createSession(settings);
  const isListed = async (): Promise<boolean> => {
    const { workers } = await readStatus(session, settings, deadlineIn(settings.enqueueTimeoutMs));
    return workers.some(({ id }) => isIdOf(worker, id));
  };
  try {
    await eventually('the worker is listed', isListed, START_MS);
    return worker;
  } catch (error) {
    await worker[Symbol.asyncDispose]();
    throw error;
  } finally {
    await session.close();
  }
}
