import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import { makeCertificates } from '../support/certificates.ts';
import { jsonLinesOf } from '../support/cli-installation.ts';
import { runProcess, startCommand } from '../support/command-line.ts';
import { startHttpProcess } from '../support/http-process.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { type SecuredRedis, startSecuredRedis } from '../support/secured-redis.ts';

const UNTRUSTED =
  'its certificate comes from a CA that is not trusted here; set redisCaFile (REDIS_CA_FILE) to a file with the certificate of that CA';

describe('Redis over TLS, with users', () => {
  const stack = new AsyncDisposableStack();
  const trusted = stack.use(makeCertificates());
  const stranger = stack.use(makeCertificates());
  const elsewhere = stack.use(makeCertificates('DNS:redis.example'));
  const ports = { trusted: randomPort(), elsewhere: randomPort() };
  let redis: SecuredRedis;
  let other: SecuredRedis;

  beforeAll(async () => {
    const tls = (port: number, { ca, cert, key }: typeof trusted): string[] => {
      const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca];
      return ['--tls-port', String(port), ...files, '--tls-auth-clients', 'no'];
    };
    redis = stack.use(await startSecuredRedis(tls(ports.trusted, trusted)));
    other = stack.use(await startSecuredRedis(tls(ports.elsewhere, elsewhere)));
  });
  afterAll(async () => await stack.disposeAsync());

  const as = (user: string, ca: string | null, port = ports.trusted, host = '127.0.0.1'): Record<string, string> => ({
    REDIS_URL: `rediss://${user}:${redis.passwordOf(user)}@${host}:${port}`,
    ...(ca === null ? {} : { NODE_EXTRA_CA_CERTS: ca }),
  });
  const producer = 'kitechat-producer';
  const operator = 'kitechat-operator';
  const input = (count: number): string =>
    manyMessages(count, 1)
      .map((item) => JSON.stringify(item))
      .join('\n');

  it('carries messages from the app through the worker to the operator, with the CA in NODE_EXTRA_CA_CERTS', async () => {
    await using api = await startFakeKitechat({
      faults: [{ kind: 'status', status: 400, match: { conversationId: 'c1' } }],
    });
    await using _worker = startCommand(['worker'], {
      ...as('kitechat-worker', trusted.ca),
      KITECHAT_API_URL: api.url,
      KITECHAT_API_KEY: 'key',
    });
    const sent = await runProcess(['send'], as(producer, trusted.ca), input(10));
    expect([sent.exitCode, jsonLinesOf(sent).length]).toEqual([0, 10]);
    await api.waitForAccepted(9);
    await eventually('one is dead', async () => {
      const [status] = jsonLinesOf(await runProcess(['status', '--json'], as(operator, trusted.ca)));
      return status?.['dead'] === 1 && status['queued'] === 0;
    });
    await using console = await startHttpProcess('console', as(operator, trusted.ca));
    await eventually('its page is there', async () => (await console.ask('/')).status === 200);
    expect((await runProcess(['status'], as(operator, trusted.ca, ports.trusted, 'localhost'))).exitCode).toBe(0);
    expect(await redis.denials()).toEqual([]);
  });

  it.each<[string, () => Record<string, string>, string]>([
    ['no CA', () => as(operator, null), UNTRUSTED],
    ['the CA of somebody else', () => as(operator, stranger.ca), UNTRUSTED],
    [
      'a certificate for another host',
      () => as(operator, elsewhere.ca, ports.elsewhere),
      'its certificate is for another host name than the one in the URL of Redis',
    ],
  ])('with %s: a command ends with 3, a worker waits, and both say what to do', async (_what, env, advice) => {
    const { exitCode, stderr } = await runProcess(['status'], env());
    expect(exitCode).toBe(3);
    expect(stderr.join('\n')).toContain(`The TLS handshake with Redis failed: ${advice}. Nothing could be read.`);
    expect(stderr.join('\n')).not.toContain(redis.passwordOf(operator));

    await using worker = startCommand(['worker'], { ...env(), KITECHAT_API_KEY: 'key' });
    const line = await worker.lineWhere('stdout', (text) => text.includes('Redis is away or refuses the connection'));
    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      msg: `Redis is away or refuses the connection: ${advice}; the worker waits for it`,
    });
    worker.kill('SIGTERM');
    expect(await worker.ended(), worker.stdout.at(-1)).toBe(0);
    expect(worker.stdout.join('\n')).not.toContain(redis.passwordOf(operator));
  });

  it('with another password: a command ends with 3 and says so', async () => {
    const REDIS_URL = as(operator, null)['REDIS_URL']?.replace('password-of', 'another');
    const { exitCode, stderr } = await runProcess(['status'], {
      REDIS_URL: REDIS_URL ?? '',
      NODE_EXTRA_CA_CERTS: trusted.ca,
    });
    expect(exitCode).toBe(3);
    expect(stderr.join('\n')).toMatch(
      /the user or the password in the URL of Redis is wrong.*\(rediss:\/\/127\.0\.0\.1:\d+\/0, WRONGPASS\)/,
    );
  });

  it('sends nothing in the clear to a server that it does not trust', async () => {
    const { exitCode } = await runProcess(['send'], as(producer, stranger.ca), JSON.stringify(textMessage('c1', 1)));
    expect(exitCode).toBe(3);
    expect(await redis.admin.keys('{kitechat:0}:lane:*')).toEqual([]);
    expect(other.server.port).toBeGreaterThan(0);
  });
});
