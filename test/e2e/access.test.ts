import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.ts';
import type { HttpProcess } from '../support/http-process.ts';
import type { WatchedPage } from './support/browser.ts';
import { startOtherSite } from './support/other-site.ts';
import { useDesk } from './support/use-desk.ts';

const TOKEN = 'dcf1b6d07c1e4c2a9d2e';
const SECRET_PAGE = 'a-page-that-only-operators-know';
const PATHS = [
  '',
  'pages',
  'dead-letters',
  'find?q=1',
  'traffic.json',
  'metrics',
  'queues',
  'queues/api/queues',
  'none',
];

describe('a console behind a token', () => {
  const used = useDesk();
  let worker: HttpProcess;

  beforeAll(async () => {
    worker = await used.desk.startWorker({ KITECHAT_CONSOLE_TOKEN: TOKEN });
    await runCommand(['hold', '--page', SECRET_PAGE], { REDIS_URL: used.desk.redis.url });
  });

  async function logIn(path = ''): Promise<WatchedPage> {
    const opened = await used.browser.open();
    await opened.page.goto(new URL(path, worker.url).href);
    await enter(opened.page, TOKEN);
    await opened.page.getByRole('navigation', { name: 'Console' }).waitFor();
    return opened;
  }

  async function holds(): Promise<unknown> {
    const { stdout } = await runCommand(['status', '--json'], { REDIS_URL: used.desk.redis.url });
    return (JSON.parse(stdout.join('')) as { holds: unknown }).holds;
  }

  it.each(PATHS)('answers 401 and nothing else without the token: /%s', async (path) => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { cookie: 'kitechat_session=1.2.3' }]) {
      const answer = await worker.ask(path, headers);
      expect(answer).toEqual({ status: 401, body: '401: a token is needed\n' });
    }
  });

  it('lets tools in with the token', async () => {
    const { status, body } = await worker.ask('', { authorization: `Bearer ${TOKEN}` });
    expect(status).toBe(200);
    expect(body).toContain(SECRET_PAGE);
  });

  it('shows browsers a bare form that tells nothing and loads nothing', async () => {
    const { page, requested } = await used.browser.open();
    const answer = await page.goto(worker.url);
    expect(answer?.status()).toBe(401);
    expect(await page.content()).not.toMatch(/kitechat|redis|queue|worker|a-page-that/i);
    expect(requested).toEqual([worker.url]);
  });

  it('keeps out who types a wrong token', async () => {
    const { page } = await used.browser.open();
    await page.goto(worker.url);
    await enter(page, 'not-the-token');
    await page.getByRole('alert').filter({ hasText: 'The token is wrong.' }).waitFor();
    expect(await page.context().cookies()).toEqual([]);
  });

  it('lets in who types the token, to where they wanted to go', async () => {
    const { page } = await logIn(`pages/${SECRET_PAGE}`);
    await page.getByRole('heading', { name: `Page ${SECRET_PAGE}` }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/pages/${SECRET_PAGE}`);
  });

  it('gives the session a cookie that scripts and other sites never get', async () => {
    const { page } = await logIn();
    const cookies = await page.context().cookies();
    expect(cookies).toEqual([
      expect.objectContaining({ httpOnly: true, sameSite: 'Strict', path: '/', secure: false }),
    ]);
    expect(await page.evaluate('document.cookie')).toBe('');
    const hours = ((cookies[0]?.expires ?? 0) - Date.now() / 1000) / 3600;
    expect(hours).toBeGreaterThan(11.9);
    expect(hours).toBeLessThanOrEqual(12);
  });

  it('gives it only to https when a proxy speaks https', async () => {
    const answer = await fetch(new URL('login', worker.url), {
      method: 'POST',
      redirect: 'manual',
      headers: { 'x-forwarded-proto': 'https' },
      body: new URLSearchParams({ token: TOKEN }),
    });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('set-cookie')).toMatch(/; Secure/);
  });

  it('knows nobody any more after the log out', async () => {
    const { page } = await logIn();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Token').waitFor();
    expect(await page.context().cookies()).toEqual([]);
    const answer = await page.goto(new URL('pages', worker.url).href);
    expect(answer?.status()).toBe(401);
  });

  // Cookies know no ports: for the browser this is the same site, and it sends the session.
  it.each(['127.0.0.1', 'localhost'])(
    'refuses a form of another server on %s, even with the right CSRF token',
    async (host) => {
      const { page } = await logIn();
      const csrf = await page.locator('input[name=csrf]').first().getAttribute('value');
      await using other = await startOtherSite(`
      <form method="post" action="${worker.url}hold">
        <input name="scope" value="all"><input name="csrf" value="${csrf ?? ''}"><button>Win a prize</button>
      </form>`);
      const before = await holds();
      await page.goto(`http://${host}:${other.port}/`);
      const [answer] = await Promise.all([
        page.waitForResponse(new URL('hold', worker.url).href),
        page.getByRole('button', { name: 'Win a prize' }).click(),
      ]);
      expect(answer.status()).toBe(403);
      expect(await page.locator('body').innerText()).toMatch(/^403: This request comes from another site\.\s*$/);
      expect(await holds()).toEqual(before);
    },
  );

  it('refuses a form of its own without the CSRF token', async () => {
    const { page } = await logIn();
    await page.evaluate('for (const field of document.querySelectorAll("input[name=csrf]")) field.value = "guessed"');
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().endsWith('/logout')),
      page.getByRole('button', { name: 'Log out' }).click(),
    ]);
    expect(answer.status()).toBe(403);
    expect(await page.context().cookies()).toHaveLength(1);
  });

  it('is in no frame of another site', async () => {
    const { page } = await logIn();
    await using other = await startOtherSite(`<h1>Free films</h1><iframe src="${worker.url}"></iframe>`);
    await page.goto(`http://127.0.0.1:${other.port}/`);
    await page.getByRole('heading', { name: 'Free films' }).waitFor();
    const frame = page.frames()[1];
    expect(await frame?.locator('body').innerText()).not.toContain('Overview');
    expect(frame?.url()).not.toBe(worker.url);
  });
});

async function enter(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
}
