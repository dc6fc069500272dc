/** The HEALTHCHECK of the container: exits with 0 if its worker has sent a recent heartbeat to the fleet, otherwise with 1. */
import { hostname } from 'node:os';
import { type Environment, loadConfig } from '../../shared/config/config.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import { createSession } from '../../shared/session/session.ts';
import type { WorkerStatus } from '../../shared/reading/shard-status.ts';
import { readStatus } from '../../shared/reading/status.ts';
import { line } from '../context/context.ts';
import { failureOf } from '../terminal/failure.ts';

const ANSWER_MS = 3000;

/** @returns the problem, or `null` */
async function findProblem(env: Environment): Promise<string | null> {
  const config = loadConfig(env);
  const session = createSession(config);
  try {
    const { workers } = await readStatus(session, config, deadlineIn(ANSWER_MS));
    return workers.some(runsHere) ? null : `no worker of ${hostname()} has sent a recent heartbeat to the fleet`;
  } finally {
    await session.close();
  }
}

/** Compares only the host name: the process id is 1 in a container, but not if an init process started the worker. */
function runsHere({ id }: WorkerStatus): boolean {
  const prefix = `${hostname()}-`;
  return id.startsWith(prefix) && /^\d+$/.test(id.slice(prefix.length));
}

const problem = await findProblem(process.env).catch(
  (error: unknown) =>
    failureOf(error)?.message ?? `the check itself failed: ${error instanceof Error ? error.name : typeof error}`,
);
if (problem !== null) line(process.stderr, problem);
process.exit(problem === null ? 0 : 1);
