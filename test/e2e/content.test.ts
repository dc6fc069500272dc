import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.ts';
import { eventually } from '../support/eventually.ts';
import type { WatchedPage } from './support/browser.ts';
import { crawl } from './support/crawl.ts';
import { useDesk } from './support/use-desk.ts';

const SECRET = 'the-code-of-the-safe-is-4711';
const HOSTILE = {
  page: `<img src=x onerror="window.hacked=1">`,
  conversation: `"><script>window.hacked=2</script>&quot;'`,
  label: '</td><svg onload=window.hacked=3>',
};
/** What only bull-board's pages lead to; what they show comes later than they do. */
const QUEUES = ['/queues', '/queues/queue/send?status=waiting-children', '/queues/queue/dead?status=failed'];

describe('what a message says, and what ids may do', () => {
  const used = useDesk();
  let hiding: string;
  let showing: string;
  let deadId: string;
  let waitingId: string;

  beforeAll(async () => {
    used.desk.api.setFaults([
      {
        kind: 'status',
        status: 400,
        body: { success: false, message: `we don't send "${SECRET}" <img src=x onerror="window.hacked=4">` },
        match: { textIncludes: 'dies' },
      },
    ]);
    hiding = (await used.desk.startWorker()).url;
    showing = (await used.desk.startConsole({ KITECHAT_CONSOLE_SHOW_CONTENT: 'true' })).url;
    const producer = used.desk.producer();
    const enqueue = async (text: string, delayMs?: number): Promise<string> => {
      const message = { type: 'text' as const, text: `${SECRET} ${text} <img src=x onerror="window.hacked=5">` };
      const request = { pageId: HOSTILE.page, conversationId: HOSTILE.conversation, message };
      return (await producer.enqueueMessage(request, { label: HOSTILE.label, delayMs })).id;
    };
    await enqueue('arrives');
    deadId = await enqueue('dies');
    await eventually('one has died', async () => (await producer.getMessage(deadId))?.status === 'dead');
    await runCommand(['hold', '--page', HOSTILE.page], { REDIS_URL: used.desk.redis.url });
    waitingId = await enqueue('waits');
    await enqueue('comes later', 3_600_000);
    await eventually('one is held', async () => (await producer.getMessage(waitingId))?.status === 'held');
  });

  /** Also keeps all that the server answered. */
  async function openAndListen(): Promise<WatchedPage & { answers: string[] }> {
    const opened = await used.browser.open();
    const answers: string[] = [];
    await opened.page.route('**/*', async (route) => {
      const answer = await route.fetch({ maxRedirects: 0 });
      answers.push(await answer.text());
      await route.fulfill({ response: answer });
    });
    return { ...opened, answers };
  }

  function expectHarmless({ requested, complaints }: WatchedPage, url: string): void {
    expect(requested.filter((one) => !one.startsWith(url) && !one.startsWith('data:'))).toEqual([]);
    expect(complaints).toEqual([]);
  }

  const deedsOf = async (page: Page): Promise<unknown> =>
    await page.evaluate('[window.hacked ?? null, document.querySelectorAll("[onerror], [onload]").length]');

  it('is on no page of the console and in no answer, and ids are nothing but text', async () => {
    const watched = await openAndListen();
    const opened = await crawl(watched.page, hiding, async (path) => {
      expect(await watched.page.content(), path).not.toContain(SECRET);
      expect(await deedsOf(watched.page), path).toEqual([null, 0]);
    });
    // The crawl has seen what it is about.
    expect(opened).toEqual(
      expect.arrayContaining([
        `/pages/${encodeURIComponent(HOSTILE.page)}`,
        `/dead-letters/${deadId}`,
        `/find?q=${waitingId}`,
        '/workers',
      ]),
    );
    await leave(watched);
    expect(watched.answers.join('\n')).not.toContain(SECRET);
    expectHarmless(watched, hiding);
  });

  it('is hidden on the page of a dead letter, which says how to show it', async () => {
    const { page } = await used.browser.open();
    await page.goto(new URL(`/dead-letters/${deadId}`, hiding).href);
    await page.getByText('hidden: KITECHAT_CONSOLE_SHOW_CONTENT=true shows it').waitFor();
    expect(await page.getByText('Edit and replay…').count()).toBe(0);
    // The API's answer can quote the content in any encoding, so nothing of it is shown.
    await page.getByText(/^HTTP 400, \d+ bytes$/).waitFor();
    expect(await page.locator('pre').count()).toBe(0);
  });

  it('shows hostile ids and labels as they are', async () => {
    const { page } = await used.browser.open();
    await page.goto(new URL('/dead-letters', hiding).href);
    for (const text of Object.values(HOSTILE)) await page.getByText(text.slice(0, 20)).first().waitFor();
    await page
      .getByRole('link', { name: HOSTILE.page.slice(0, 20) })
      .last()
      .click();
    const heading = page.getByRole('heading', { level: 1, name: 'Page' });
    await heading.waitFor();
    expect(await heading.innerText()).toBe(`Page ${HOSTILE.page}`);
  });

  it('is in no view of the queues and in none of their answers', async () => {
    const watched = await openAndListen();
    const { page } = watched;
    const shownAt = (path: string): string => (path.includes('/dead') ? deadId : waitingId);
    for (const path of [...QUEUES, `/queues/queue/send/${waitingId}`, `/queues/queue/dead/${deadId}`]) {
      await page.goto(new URL(path, hiding).href);
      await page
        .getByText(path === '/queues' ? /^\d+ Jobs$/ : shownAt(path))
        .first()
        .waitFor();
      expect(await page.content(), path).not.toContain(SECRET);
      expect(await deedsOf(page), path).toEqual([null, 0]);
    }
    await leave(watched);
    const answers = watched.answers.join('\n');
    expect(answers).toContain(waitingId);
    expect(answers).not.toContain(SECRET);
    expectHarmless(watched, hiding);
  });

  it('is shown where that was asked for, as text', async () => {
    const watched = await openAndListen();
    const { page } = watched;
    await page.goto(new URL(`/dead-letters/${deadId}`, showing).href);
    await page.getByText(`"text": "${SECRET} dies <img src=x`, { exact: false }).waitFor();
    await page.locator('pre').filter({ hasText: `we don't send` }).filter({ hasText: SECRET }).waitFor();
    await page.getByText('Edit and replay…').click();
    expect(await page.getByLabel('message.text').inputValue()).toContain(SECRET);
    expect(await deedsOf(page)).toEqual([null, 0]);
    await page.goto(new URL(`/queues/queue/send/${waitingId}`, showing).href);
    await page.getByText('jobData').waitFor();
    expect(await deedsOf(page)).toEqual([null, 0]);
    await leave(watched);
    expect(watched.answers.some((answer) => answer.includes(`${SECRET} waits`))).toBe(true);
    expectHarmless(watched, showing);
  });
});

/** A page that looks again by itself does so no more. */
async function leave({ page }: WatchedPage): Promise<void> {
  await page.unrouteAll({ behavior: 'wait' });
  await page.close();
}
