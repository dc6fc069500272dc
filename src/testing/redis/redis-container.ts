import { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import type * as TestcontainersPackage from 'testcontainers';
import { randomPort } from './random-port.ts';
import { type Container, redisInContainer } from './redis-container-handle.ts';
import { RedisStartError } from './redis-errors.ts';
import type { RedisServer } from './redis-handle.ts';

const IMAGE = 'redis:8-bookworm';
const REDIS_PORT = 6379;
const PORT_ATTEMPTS = 10;
const PORT_TAKEN = /port is already allocated|address already in use/i;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1']);

type Testcontainers = typeof TestcontainersPackage;
type Engine = Awaited<ReturnType<Testcontainers['getContainerRuntimeClient']>>;

export interface RedisContainerOptions {
  args: readonly string[];
  /** Default: a free port. */
  port: number | undefined;
}

/** Why no container can be started here. */
export interface NoContainer {
  missing: string;
  cause: unknown;
}

type Run = { is: 'running'; container: Container } | { is: 'port-taken' } | { is: 'no-image'; cause: unknown };

/**
 * Starts a Redis in a container, if Testcontainers is installed and an engine answers.
 *
 * @param load a seam for tests
 * @throws RedisStartError if Redis doesn't start in the container, or the given port is taken.
 */
export async function startRedisContainer(
  options: RedisContainerOptions,
  load: () => Promise<Testcontainers> = () => import('testcontainers'),
): Promise<RedisServer | NoContainer> {
  let testcontainers: Testcontainers;
  try {
    testcontainers = await load();
  } catch (cause) {
    return { missing: 'the package testcontainers is not installed', cause };
  }
  let engine: Engine;
  try {
    engine = await testcontainers.getContainerRuntimeClient();
  } catch (cause) {
    return { missing: 'no container engine answers', cause };
  }
  const engineHost = engine.info.containerRuntime.host;
  const host = LOOPBACK.has(engineHost) ? '127.0.0.1' : engineHost;

  const attempts = options.port === undefined ? PORT_ATTEMPTS : 1;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = options.port ?? randomPort();
    const run = await runContainer(testcontainers, engine, options.args, { host, port });
    if (run.is === 'running') return redisInContainer(run.container, host, port);
    if (run.is === 'no-image') return { missing: `the image ${IMAGE} can't be pulled`, cause: run.cause };
  }
  throw new RedisStartError(
    options.port === undefined ? `${attempts} ports were all taken` : `Port ${options.port} is taken`,
  );
}

async function runContainer(
  { GenericContainer, Wait }: Testcontainers,
  engine: Engine,
  args: readonly string[],
  { host, port }: { host: string; port: number },
): Promise<Run> {
  let container: Container | undefined;
  let log: ContainerLog | undefined;
  class RedisContainer extends GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      // Bound to loopback: Testcontainers publishes ports on all addresses, and this Redis has no password. The port is
      // fixed, since the engine would choose another one at every start.
      const binding = { HostPort: String(port), ...(host === '127.0.0.1' ? { HostIp: host } : {}) };
      this.hostConfig.PortBindings = { [`${REDIS_PORT}/tcp`]: [binding] };
    }
    protected override async containerCreated(id: string): Promise<void> {
      container = engine.container.getById(id);
      log = await recordLog(container);
    }
  }
  const redis = new RedisContainer(IMAGE)
    .withExposedPorts(REDIS_PORT)
    .withCommand(['redis-server', ...args])
    .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'));
  try {
    const started = await redis.start();
    log?.stop();
    return { is: 'running', container: engine.container.getById(started.getId()) };
  } catch (cause) {
    if (container === undefined) return { is: 'no-image', cause };
    const written = (await log?.read()) ?? '';
    await removeIfThere(container);
    if (cause instanceof Error && PORT_TAKEN.test(cause.message)) return { is: 'port-taken' };
    throw new RedisStartError('Redis ended in its container instead of starting', written);
  }
}

const LOG_END_MS = 2000;

/** The output of a container since it was created. */
interface ContainerLog {
  read(): Promise<string>;
  stop(): void;
}

/** Listens before the container starts, since Testcontainers removes one that doesn't become ready, with its log. */
async function recordLog(container: Container): Promise<ContainerLog> {
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  let written = '';
  stream.on('data', (chunk) => (written += String(chunk)));
  stream.on('error', () => {});
  const stop = (): void => {
    // The stream is a socket, though its type says only that it is a duplex.
    if (stream instanceof Duplex) stream.destroy();
  };
  return {
    async read() {
      await finished(stream, { signal: AbortSignal.timeout(LOG_END_MS) }).catch(() => {});
      stop();
      // The engine puts a few binary bytes before every line.
      return written.replaceAll(/[^\P{Cc}\n]/gu, '');
    },
    stop,
  };
}

/** Removes a container that didn't start; Testcontainers itself removes only one that started but didn't become ready. */
async function removeIfThere(container: Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    if (!(error instanceof Error && 'statusCode' in error && error.statusCode === 404)) throw error;
  }
}
