import type { getContainerRuntimeClient } from 'testcontainers';
import { answersPing } from './redis-pong.ts';
import { RedisStartError } from './redis-errors.ts';
import type { RedisServer } from './redis-handle.ts';

const READY_MS = 30_000;

/** The container engine's own handle, which can kill, freeze and restart, unlike that of Testcontainers. */
export type Container = ReturnType<Awaited<ReturnType<typeof getContainerRuntimeClient>>['container']['getById']>;

/** @throws RedisStartError if the Redis in this running container doesn't answer. */
export async function redisInContainer(container: Container, host: string, port: number): Promise<RedisServer> {
  const untilReady = async (): Promise<void> => {
    if (await answersPing(host, port, READY_MS)) return;
    await stop();
    throw new RedisStartError(`The Redis in the container doesn't answer at ${host}:${port}`);
  };
  const end = async (signal: string): Promise<void> => {
    const { State: state } = await container.inspect();
    if (state.Paused) await container.unpause();
    if (!state.Running) return;
    await container.kill({ signal });
    await container.wait();
  };
  let removal: Promise<unknown> | undefined;
  const stop = async (): Promise<void> => {
    removal ??= container.remove({ force: true, v: true });
    await removal;
  };

  await untilReady();
  return {
    url: `redis://${host}:${port}`,
    port,
    pid: null,
    dir: null,
    kill: (signal = 'SIGKILL') => end(signal),
    async restart() {
      if (removal) throw new RedisStartError('This Redis was stopped permanently: start a new one');
      await end('SIGTERM');
      await container.start();
      await untilReady();
    },
    async pause() {
      await container.pause();
    },
    async resume() {
      await container.unpause();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
