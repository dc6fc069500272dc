import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeKitechat, startFakeKitechat } from '../../src/testing/index.ts';
import { makeCertificates } from '../support/certificates.ts';
import { startCommand, runProcess } from '../support/command-line.ts';
import type { ForegroundServer } from '../support/foreground-server.ts';
import { eventually } from '../support/eventually.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { startTinyproxy } from '../support/tinyproxy.ts';
import { useRedis } from '../support/use-redis.ts';

const login = { user: 'me', password: 'p-a_s.s' };

describe('an API that wants a client certificate, behind a proxy that wants a password', () => {
  const redis = useRedis();
  const stack = new AsyncDisposableStack();
  const ours = stack.use(makeCertificates());
  let api: FakeKitechat;
  let gateway: Nginx;
  let proxy: ForegroundServer;
  let namespaces = 0;

  beforeAll(async () => {
    api = stack.use(await startFakeKitechat());
    gateway = stack.use(await startNginx({ upstream: api.url, tls: { ...ours, clientCa: ours.ca } }));
    proxy = stack.use(await startTinyproxy(login));
  });
  afterAll(async () => await stack.disposeAsync());

  const newEnv = (more: Record<string, string> = {}): Record<string, string> => ({
    REDIS_URL: redis.url,
    KITECHAT_NAMESPACE: `proxy-${(namespaces += 1)}`,
    KITECHAT_API_KEY: 'key-1',
    KITECHAT_API_URL: gateway.origin + new URL(api.url).pathname,
    KITECHAT_API_CA_FILE: ours.ca,
    KITECHAT_API_CERT_FILE: ours.cert,
    KITECHAT_API_CERT_KEY_FILE: ours.key,
    HTTPS_PROXY: `http://${login.user}:${login.password}@127.0.0.1:${proxy.port}`,
    ...more,
  });
  const send = async (env: Record<string, string>): Promise<string> => {
    const line = JSON.stringify({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } });
    const { exitCode, stdout } = await runProcess(['send'], env, line);
    expect(exitCode).toBe(0);
    return (JSON.parse(stdout[0] ?? '{}') as { id: string }).id;
  };
  const detailOf = async (env: Record<string, string>, id: string): Promise<string> =>
    await eventually('it has an attempt', async () => {
      const { stdout } = await runProcess(['message', id, '--json'], env);
      const { attempts = [] } = JSON.parse(stdout[0] ?? '{}') as { attempts?: { outcome: string; detail: string }[] };
      const [last] = attempts.slice(-1);
      return last ? `${last.outcome}: ${last.detail}` : undefined;
    });

  it('gets messages from a worker that has both, and whose log names the proxy without its password', async () => {
    const env = newEnv();
    const sent = api.report().accepted;
    await using worker = startCommand(['worker'], env);
    await send(env);
    await api.waitForAccepted(sent + 1);
    const line = await worker.lineWhere('stdout', (text) => text.includes('through a proxy'));
    expect(JSON.parse(line)).toMatchObject({
      level: 'info',
      msg: 'requests to the API go through a proxy',
      proxy: `http://127.0.0.1:${proxy.port}`,
    });
    expect(proxy.read('proxy.log')).toContain(`CONNECT ${new URL(gateway.origin).host}`);
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
    expect(worker.stdout.join('\n')).not.toContain(login.password);
    expect(worker.stderr).toEqual([]);
  });

  it.each<[string, () => Record<string, string>, RegExp]>([
    [
      'the proxy refuses',
      () => ({ HTTPS_PROXY: `http://me:wrong@127.0.0.1:${proxy.port}` }),
      /^not-sent: no connection \(the proxy answered 40[17]\)$/,
    ],
    ['no proxy leads to', () => ({ HTTPS_PROXY: 'http://127.0.0.1:1' }), /^not-sent: no connection \(ECONNREFUSED\)$/],
    [
      'a stranger has signed its certificate',
      () => ({ KITECHAT_API_CA_FILE: '' }),
      /^not-sent: no connection \(\w+\)$/,
    ],
  ])('gets nothing where %s, and no attempt is used', async (_what, more, detail) => {
    const env = newEnv(more());
    const sent = api.report().requests;
    await using _worker = startCommand(['worker'], env);
    const id = await send(env);
    expect(await detailOf(env, id)).toMatch(detail);
    expect(api.report().requests).toBe(sent);
  });

  it('is reached directly where NO_PROXY says so', async () => {
    const env = newEnv({ HTTPS_PROXY: 'http://127.0.0.1:1', no_proxy: '127.0.0.1' });
    const sent = api.report().accepted;
    await using worker = startCommand(['worker'], env);
    await send(env);
    await api.waitForAccepted(sent + 1);
    expect(worker.stdout.join('\n')).not.toContain('through a proxy');
  });

  it('is never asked by a worker whose files or proxy can not be used, which says what is wrong, and only by it', async () => {
    const env = newEnv({ HTTPS_PROXY: 'proxy.internal:3128' });
    const refused = await runProcess(['worker'], env);
    expect([refused.exitCode, refused.stderr.join('\n')]).toEqual([
      2,
      expect.stringContaining('HTTPS_PROXY: must be the URL'),
    ]);
    expect((await runProcess(['status'], env)).exitCode).toBe(0);
    await send(env);

    const missing = await runProcess(
      ['worker'],
      newEnv({ KITECHAT_API_CA_FILE: '/no/such-secret', KITECHAT_API_CERT_KEY_FILE: ours.caKey }),
    );
    const said = missing.stderr.join('\n');
    expect([missing.exitCode, said]).toEqual([
      2,
      expect.stringContaining("KITECHAT_API_CA_FILE: names a file that can't be read (ENOENT)"),
    ]);
    expect(said).toContain('KITECHAT_API_CERT_KEY_FILE: is not the key of the certificate in KITECHAT_API_CERT_FILE');
    expect(said).not.toContain('secret');
  });
});
